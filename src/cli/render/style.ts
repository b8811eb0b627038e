import { plain } from './escape.js';

export type Paint = (text: string) => string;

/** Colours, or none of them. Text is escaped before it is painted, never after. */
export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

export function makeStyle(colour: boolean): Style {
  const paint = (open: number, close: number): Paint => (text) => (colour && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text);
  return { bold: paint(1, 22), dim: paint(2, 22), red: paint(31, 39), green: paint(32, 39), yellow: paint(33, 39), cyan: paint(36, 39) };
}

/** The colour of a verdict, phase or outcome; a word that is not known has none. */
export function paintWord(word: string, style: Style): string {
  const text = plain(word);
  switch (word) {
    case 'clean':
    case 'fixed':
    case 'ok':
    case 'open':
    case 'healthy':
      return style.green(text);
    case 'drifted':
    case 'awaiting-approval':
    case 'warn':
    case 'overdue':
    case 'rolled-back':
    case 'expired':
      return style.yellow(text);
    case 'error':
    case 'fail':
    case 'needs-human':
    case 'rolling-back':
    case 'unhealthy':
      return style.red(text);
    case 'unknown':
    case 'never':
      return style.cyan(text);
    default:
      return text;
  }
}
