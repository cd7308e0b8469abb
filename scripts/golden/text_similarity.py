"""Expected text similarities by RapidFuzz, sacreBLEU, NLTK and rouge-score.

usage: python scripts/golden/text_similarity.py [OUTPUT] [PAIRS]

Needs rapidfuzz 3.14.6, sacrebleu 2.6.0, nltk 3.10.4 and rouge-score 0.1.2. METEOR runs with an empty WordNet, on
tokens of sacreBLEU's 13a, as does GLEU. The texts are drawn here.
"""

import json
import random
import sys

from nltk.stem.porter import PorterStemmer
from nltk.translate.gleu_score import sentence_gleu
from nltk.translate.meteor_score import single_meteor_score
from rapidfuzz import fuzz, utils
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

OUTPUT = sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/rewards/text-similarity.json"
PAIRS = int(sys.argv[2]) if len(sys.argv) > 2 else 60
FUZZ = ["ratio", "partial_ratio", "token_sort_ratio", "token_set_ratio", "token_ratio", "partial_token_sort_ratio",
        "partial_token_set_ratio", "partial_token_ratio", "WRatio", "QRatio"]
ROUGES = ["rouge1", "rouge2", "rouge3", "rouge4", "rouge5", "rougeL"]
WORDS = """The patients have acute relational failures of 1,200.5 mg unknown cause, with (fever) and a rash.
happily running flies dying agreed hopping conflated generalizations e-mail state-of-the-art 3-4 &amp; "quoted" don't
é ß İ Σας 𐐷 ﬀ A. b! C? skies enjoying spied logically usefully controll rational operators sensibilities""".split()
EDGES = [("", ""), ("", "a"), ("a", ""), (" ", " "), (" ", "a"), ("a a", "a"), ("a b a", "a b b"), ("the", "the"),
         ("12.5", "12.5."), ("a-\nb", "ab"), ("yyy", "y"), ("x" * 40 + "abc", "abc"), ("𝔘𝔫𝔦", "𝔘𝔫𝔦x")]
STEMS = """caresses ponies ties cats feed agreed plastered bled motoring sing conflated troubled sized hopping tanned
falling hissing fizzed failing filing happy sky enjoy by relational conditional rational valenci hesitanci digitizer
conformabli radicalli differentli vileli analogousli vietnamization predication operator feudalism decisiveness
hopefulness callousness formaliti sensitiviti sensibiliti triplicate formative formalize electriciti electrical
hopeful goodness revival allowance inference airliner gyroscopic adjustable defensible irritant replacement
adjustment dependent adoption homologou communism activate angulariti homologous effective bowdlerize probate rate
cease controll roll dies died flies spied skies dying news innings proceed geology theology archaeology usefully
generally actually yyyy eed ing ed ly at on ion sion tion alli ally rationalli as is us oed toy syzygy boxing
snowed played crying tied""".split()


class NoWordNet:
    def synsets(self, word):
        return []


def text(rng):
    kind = rng.random()
    if kind < 0.7:
        return " ".join(rng.choice(WORDS) for _ in range(rng.randint(0, 24)))
    if kind < 0.85:
        return "".join(rng.choice("ab ") for _ in range(rng.randint(0, 90)))
    return "".join(rng.choice("abcdefgh \t\n.,-3𝔘") for _ in range(rng.randint(0, 160)))


def changed(rng, value):
    words = value.split(" ")
    for _ in range(rng.randint(0, 5)):
        words[rng.randrange(len(words))] = rng.choice(WORDS)
    return " ".join(words[rng.randint(0, 2):])


def scores(a, b):
    tokenizer = Tokenizer13a()
    words, gold = tokenizer(a).split(), tokenizer(b).split()
    rouge = rouge_scorer.RougeScorer(ROUGES).score(b, a)
    row = {"a": a, "b": b}
    row["fuzz"] = [getattr(fuzz, name)(a, b) for name in FUZZ]
    row["processed"] = [getattr(fuzz, name)(a, b, processor=utils.default_process) for name in FUZZ]
    row["bleu"] = BLEU(effective_order=True).sentence_score(a, [b]).score / 100
    row["gleu"] = sentence_gleu([gold], words) if words or gold else 0.0
    row["meteor"] = single_meteor_score(gold, words, wordnet=NoWordNet()) if words and gold else 0.0
    row["rouge"] = [rouge[name].fmeasure for name in ROUGES]
    return row


def main():
    rng = random.Random(7)
    pairs = list(EDGES)
    while len(pairs) < PAIRS:
        a = text(rng)
        pairs.append((a, changed(rng, a) if rng.random() < 0.6 else text(rng)))
    stemmer = PorterStemmer()
    stems = {word: stemmer.stem(word) for word in STEMS}
    out = {"fuzz_names": FUZZ, "rouge_names": ROUGES, "stems": stems, "pairs": [scores(a, b) for a, b in pairs]}
    with open(OUTPUT, "w") as file:
        json.dump(out, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
