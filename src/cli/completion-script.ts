/**
 * The script by which bash and zsh ask `--complete` what Tab offers. That of yargs takes `=` for the end of a word
 * in bash, and puts a space behind `key=`.
 */

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** @param program This program as a command line. */
export const completionScript = (program: readonly string[]): string => `\
# Tab completion of lorikeet and of npx lorikeet, in zsh and in bash 4 or newer
_lorikeet_candidates() {
  ${program.map(quoted).join(' ')} --complete "$1" 2>/dev/null
}
if [ -n "\${ZSH_VERSION-}" ]; then
  _lorikeet() {
    local line="\${(j: :)words[1,CURRENT-1]} $PREFIX"
    if [[ \${words[1]} == npx && $line != npx\\ lorikeet\\ * ]]; then
      _default
      return
    fi
    local -a found
    found=("\${(@f)$(_lorikeet_candidates "$line")}")
    found=(\${found:#})
    compset -P '*='
    if (( $#found == 0 )); then
      _files
      return
    fi
    compadd -Q -S '' -- \${(M)found:#*[=./]}
    compadd -Q -- \${found:#*[=./]}
  }
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
  compdef _lorikeet lorikeet
  (( $+_comps[npx] )) || compdef _lorikeet npx
elif ((BASH_VERSINFO[0] < 4)); then
  echo "lorikeet: Tab completion needs bash 4 or newer, or zsh" >&2
else
  _lorikeet() {
    local line="\${COMP_LINE:0:COMP_POINT}" word
    if [[ \${COMP_WORDS[0]} == npx && $line != npx\\ lorikeet\\ * ]]; then
      return
    fi
    mapfile -t COMPREPLY < <(_lorikeet_candidates "$line")
    if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[=./] ]]; then
      compopt -o nospace
    fi
    # readline replaces the word from its last break on, which = may be or not
    word="\${line##*[[:space:]]}"
    if [[ $word == *=* && $COMP_WORDBREAKS != *=* ]]; then
      if [[ \${#COMPREPLY[@]} -eq 0 ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "\${word#*=}")
        compopt -o nospace
      fi
      COMPREPLY=("\${COMPREPLY[@]/#/\${word%%=*}=}")
    fi
  }
  complete -o bashdefault -o default -F _lorikeet lorikeet
  complete -p npx >/dev/null 2>&1 || complete -o bashdefault -o default -F _lorikeet npx
fi`;
