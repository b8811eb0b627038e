export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** One command as a shell needs to know it. Names and flags are Holdfast's own words: letters and hyphens. */
export interface Completable {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly string[];
  readonly subcommands: readonly string[];
}

export function completionScript(shell: Shell, commands: readonly Completable[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return zsh(commands);
    case 'fish':
      return fish(commands);
  }
}

function bash(commands: readonly Completable[]): string {
  const cases = commands.map((each) => `    ${each.name}) words="${[...each.subcommands, ...each.options].join(' ')}" ;;`);
  return `# holdfast completion for bash: source <(holdfast completion bash)
_holdfast() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="" word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) command="$word"; break ;; esac
  done
  case "$command" in
    "") words="${commands.map((each) => each.name).join(' ')}" ;;
${cases.join('\n')}
    *) words="" ;;
  esac
  if [[ -n "$command" && "$current" != -* ]]; then
    words="$words $(holdfast completion --targets 2>/dev/null)"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _holdfast holdfast
`;
}

function zsh(commands: readonly Completable[]): string {
  const described = commands.map((each) => `    '${each.name}:${quoted(each.summary)}'`);
  const cases = commands.map((each) => `    ${each.name}) compadd -- ${[...each.subcommands, ...each.options].join(' ')} ;;`);
  return `#compdef holdfast
# holdfast completion for zsh: source <(holdfast completion zsh)
_holdfast() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  case "$words[2]" in
${cases.join('\n')}
  esac
  if [[ "$words[CURRENT]" != -* ]]; then
    compadd -- \${(f)"$(holdfast completion --targets 2>/dev/null)"}
  fi
}
if [[ "$funcstack[1]" == _holdfast ]]; then _holdfast "$@"; else compdef _holdfast holdfast; fi
`;
}

function fish(commands: readonly Completable[]): string {
  const names = commands.map((each) => each.name).join(' ');
  const lines = commands.flatMap((each) => [
    `complete -c holdfast -n "not __fish_seen_subcommand_from ${names}" -a ${each.name} -d '${quoted(each.summary)}'`,
    ...each.subcommands.map((child) => `complete -c holdfast -n "__fish_seen_subcommand_from ${each.name}" -a ${child}`),
    ...each.options.map((option) => `complete -c holdfast -n "__fish_seen_subcommand_from ${each.name}" -l ${option.replace(/^--/, '')}`),
  ]);
  return `# holdfast completion for fish
complete -c holdfast -f
${lines.join('\n')}
complete -c holdfast -n "__fish_seen_subcommand_from ${names}" -a "(holdfast completion --targets 2>/dev/null)"
`;
}

/** Inside single quotes of zsh and fish; a colon would end the name in zsh's list. */
function quoted(text: string): string {
  return text.replaceAll("'", '').replaceAll(':', ',');
}
