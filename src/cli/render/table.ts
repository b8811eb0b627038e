import { stripVTControlCharacters } from 'node:util';
import type { Style } from './style.js';

export interface TableOptions {
  readonly style: Style;
  /** Cells in the last column are cut there when they would wrap; 0 cuts nothing. */
  readonly columns: number;
}

/** Aligned columns with two spaces between them, no lines drawn, as `kubectl get` prints. Cells are already escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], { style, columns }: TableOptions): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => width(row[column] ?? ''))));
  const lines = [head.map((title) => style.dim(title)), ...rows].map((row) => line(row, widths));
  return `${lines.map((text) => cut(text, columns, style)).join('\n')}\n`;
}

/** Indents every line. */
export function indent(lines: readonly string[], by: number): readonly string[] {
  return lines.map((text) => (text === '' ? '' : ' '.repeat(by) + text));
}

function line(cells: readonly string[], widths: readonly number[]): string {
  return cells.map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell)))).join('  ').trimEnd();
}

function width(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

/** Only unpainted lines are cut: half a colour sequence would colour the rest of the screen. */
function cut(text: string, columns: number, style: Style): string {
  if (columns <= 0 || width(text) <= columns || text.includes('\u001b')) return text;
  return Array.from(text).slice(0, columns - 1).join('') + style.dim('…');
}
