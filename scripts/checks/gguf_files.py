"""Holds Lorikeet's GGUF files to llama.cpp. Needs torch, transformers, peft, tokenizers and llama-cpp-python (PyPI).

Makes a tiny random model of each case below, exports it (`lorikeet export format=gguf`, built program), and
compares llama.cpp with transformers: logits of random ids, greedy tokens, ids of awkward texts.

    npm run build && python scripts/checks/gguf_files.py [CASE …] [--dtype float32] [--tolerance 1e-3]

A model and a file of one's own:

    python scripts/checks/gguf_files.py --model FOLDER --gguf FILE

Ids of texts only, with a real tokenizer folder under a tiny model:

    python scripts/checks/gguf_files.py --tokenizer FOLDER

Gemma's logits differ by about 1e-3 with llama.cpp's usual build, which looks GELU up in a float16 table
(GGML_GELU_FP16 in ggml/src/ggml-cpu/vec.h); built without it they agree as the others do.

With dtype=q8_0 and rows of 32 weights, llama.cpp aborts in rms_norm (`scale > 0`) on processors with AMX: in weights that
it has repacked for them. --plain loads them as they stand in the file, which works.

One JSON line a case; exit code 1 where a difference is beyond the tolerance or ids differ.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import llama_cpp.llama
import numpy as np
import torch
from llama_cpp import Llama
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

sys.path.insert(0, str(Path(__file__).parent.parent / "golden"))
from cases import FAMILIES, NOT_IN_GGUF, ROPES  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
F32 = 0
TEXTS = [
    "Hello world", " leading", "trailing ", "a  b   c", "line\nbreak\n\n\nmore", "\ttab\t\tabs", "don't WE'LL I'm he'd",
    "3.14 1234567 12 345", "x  5 and   7", "naïve café", "日本語 テキスト", "🙂🙃👩‍👩‍👧", "a\u00a0b", "<|im_start|>user\nhi<|im_end|>",
    "if (x<=3) {\n\treturn y**2; // z\n}", "ÀÉÎ ΑΒΓ абв", "\r\n\r\n", "...!!!???", "ＡＢＣ", "คำไทย", "    indented\n        twice",
    "snake_case CamelCase", "http://a.b/c?d=e&f=1#g", "▁literal", "a" * 40,
]
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


ADAPTED = ("llama", "qwen3_moe", "olmoe", "granitemoe", "mixtral", "lfm2", "glm", "glm4", "ernie4_5", "qwen3_5")
"""Models that are also written with an adapter merged."""


def cases():
    """The golden families, with what llama.cpp has not (windows in Llama, NoPE elsewhere, sizes) taken out."""
    changes = {
        "mistral": dict(sliding_window=None),
        "phi3": dict(sliding_window=None),
        "smollm3": dict(num_hidden_layers=5, no_rope_layer_interval=4, no_rope_layers=[1, 1, 1, 0, 1]),
        "lfm2": dict(head_dim=4),
        "olmoe": dict(num_key_value_heads=2),
        "qwen3_5": dict(linear_value_head_dim=6),
        "phi3-longrope": dict(original_max_position_embeddings=512, max_position_embeddings=1024),
    }
    written = {name: fields for name, fields in {**FAMILIES, **ROPES}.items() if name not in NOT_IN_GGUF}
    return {name: {**fields, **changes.get(name, {})} for name, fields in written.items()}


def byte_level(folder):
    """Byte pairs as Llama 3 cuts text."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    split = pre_tokenizers.Split(Regex(LLAMA3), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    specials = ["<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>"]
    tokenizer.train_from_iterator(TEXTS * 3, trainers.BpeTrainer(vocab_size=400, special_tokens=specials, initial_alphabet=alphabet))
    save(tokenizer, folder, bos="<|bos|>", eos="<|eos|>")


def sentencepiece(folder):
    """Byte pairs with byte fallback, as Llama 2 has them."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    specials = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words = [word for text in TEXTS for word in text.split()]
    tokenizer.train_from_iterator(words, trainers.BpeTrainer(vocab_size=440, special_tokens=specials))
    fields = json.loads(tokenizer.to_str())
    fields["added_tokens"] = fields["added_tokens"][:3]
    save(Tokenizer.from_str(json.dumps(fields)), folder, bos="<s>", eos="</s>")


def save(tokenizer, folder, bos, eos):
    template = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))])
    tokenizer.post_processor = template
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=bos, eos_token=eos).save_pretrained(folder)


def make(fields, folder, tokenizer):
    """A random model in `folder` that has the tokenizer's vocabulary and some rows more."""
    folder.mkdir(parents=True, exist_ok=True)
    if callable(tokenizer):
        tokenizer(folder)
    else:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (folder / name).write_bytes((Path(tokenizer) / name).read_bytes())
    known = PreTrainedTokenizerFast.from_pretrained(folder)
    size = max(known.get_vocab().values()) + 1 + 5
    own = dict(vocab_size=size, pad_token_id=None, eos_token_id=known.eos_token_id)
    (folder / "config.json").write_text(json.dumps({**fields, **own}))
    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(folder)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(mean_of(name, config.model_type) + torch.randn_like(parameter) * (0.1 if "norm" in name else 0.15))
    model.save_pretrained(folder)
    return folder


def mean_of(name, model_type):
    """Of the values of a parameter; decays that are slow carry states over many tokens."""
    if name.endswith("A_log"):
        return -3
    has_offset = "gemma" in model_type or ("qwen3_5" in model_type and "linear_attn.norm" not in name)
    return 1 if "norm" in name and not has_offset else 0


def make_adapter(model, folder):
    """On all linear modules, but for experts and their routers, which Lorikeet does not adapt."""
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    has_experts = any(name.endswith("experts") for name, _ in base.named_modules())
    targets = ["q_proj", "k_proj", "v_proj", "o_proj"] if has_experts else "all-linear"
    adapted = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules=targets))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.1)
    adapted.save_pretrained(folder)
    return folder


def export(model, file, *words):
    command = ["node", "dist/cli/main.js", "export", f"model={model}", f"output={file}", "format=gguf", *words]
    subprocess.run([*command, "allow_precision_loss=true", "threads=2"], cwd=ROOT, check=True, capture_output=True, text=True)


def load_plainly():
    """From now on weights are not repacked."""
    library = llama_cpp.llama.llama_cpp
    defaults = library.llama_model_default_params

    def plain():
        parameters = defaults()
        parameters.use_extra_bufts = False
        return parameters

    library.llama_model_default_params = plain


def load(file, length):
    return Llama(str(file), n_ctx=length, n_batch=length, logits_all=True, verbose=False, type_k=F32, type_v=F32,
                 n_threads=2, flash_attn=False)


@torch.no_grad()
def compare(folder, file, adapter=None):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    if adapter:
        model = PeftModel.from_pretrained(model, adapter).eval()
    length = min(48, model.config.max_position_embeddings)
    ids = np.random.default_rng(0).integers(0, model.config.vocab_size - 5, length - 8).tolist()
    llama = load(file, 256)
    llama.eval(ids)
    expected = model(torch.tensor([ids])).logits[0].numpy()
    gap = float(np.abs(llama.scores[: len(ids)] - expected).max())
    greedy, mine = list(ids[:8]), list(ids[:8])
    for _ in range(16):
        greedy.append(int(model(torch.tensor([greedy])).logits[0, -1].argmax()))
    llama.reset()
    for token in mine:
        llama.eval([token])
    for _ in range(16):
        mine.append(int(llama.scores[llama.n_tokens - 1].argmax()))
        llama.eval(mine[-1:])
    return {"logits": gap, "spread": float(expected.std()), "greedy": greedy == mine, **compare_texts(folder, llama)}


def compare_texts(folder, llama):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    texts = TEXTS + ([chat(tokenizer)] if tokenizer.chat_template else [])
    differing = []
    for text in texts:
        expected = tokenizer(text)["input_ids"]
        found = llama.tokenize(text.encode(), add_bos=True, special=True)
        if expected != found:
            differing.append({"text": text, "transformers": expected, "llama.cpp": found})
    return {"texts": len(texts), "differing": differing}


def chat(tokenizer):
    messages = [{"role": "user", "content": "How  many?\n3"}, {"role": "assistant", "content": "Four."}]
    return tokenizer.apply_chat_template(messages, tokenize=False)


def report(name, result, tolerance):
    print(json.dumps({"case": name, **result}, ensure_ascii=False))
    return result.get("logits", 0) <= tolerance and result.get("greedy", True) and not result["differing"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help="names; all where absent")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--model")
    parser.add_argument("--gguf")
    parser.add_argument("--tokenizer")
    parser.add_argument("--plain", action="store_true", help="without llama.cpp's repacked weights")
    args = parser.parse_args()
    if args.plain:
        load_plainly()
    if args.model:
        sys.exit(not report(args.model, compare(args.model, args.gguf), args.tolerance))
    with tempfile.TemporaryDirectory() as scratch:
        scratch, everything = Path(scratch), cases()
        if args.tokenizer:
            model = make(everything["llama"], scratch / "model", args.tokenizer)
            export(model, scratch / "model.gguf")
            sys.exit(not report(args.tokenizer, compare_texts(model, load(scratch / "model.gguf", 256)), args.tolerance))
        good = True
        for name in args.cases or [*everything, *(f"{name}-adapter" for name in ADAPTED), "llama-sentencepiece"]:
            fields = everything.get(name.removesuffix("-adapter"), everything["llama"])
            tokenizer = sentencepiece if name == "llama-sentencepiece" else byte_level
            model, file = make(fields, scratch / name, tokenizer), scratch / f"{name}.gguf"
            adapter = make_adapter(model, scratch / "adapter") if name.endswith("-adapter") else None
            export(model, file, f"dtype={args.dtype}", *([f"adapter={adapter}"] if adapter else []))
            good &= report(name, compare(model, file, adapter), args.tolerance)
        sys.exit(not good)


if __name__ == "__main__":
    main()
