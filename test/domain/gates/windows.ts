import { windowRules } from '../../../src/config/windows.js';
import { parseDuration } from '../../../src/config/durations.js';
import { windowGate, type AskingWindows, type TimeWindow, type WindowRule } from '../../../src/domain/gates/window.js';
import type { GateAnswer } from '../../../src/domain/gates/gate.js';

type More = Partial<Pick<TimeWindow, 'timezone' | 'actions' | 'overrun'>>;

/** A window as it is written: `allow('0 9 * * 1-5', '8h')`, in London unless it says otherwise. */
export function allow(start: string, duration: string, more: More = {}): TimeWindow {
  return window('allow', start, duration, more);
}

export function deny(start: string, duration: string, more: More = {}): TimeWindow {
  return window('deny', start, duration, more);
}

function window(kind: TimeWindow['kind'], start: string, duration: string, more: More): TimeWindow {
  return { kind, start, durationMs: parseDuration(duration) ?? Number.NaN, timezone: 'Europe/London', actions: ['finalize'], overrun: false, ...more };
}

export function rules(...windows: readonly TimeWindow[]): readonly WindowRule[] {
  return windowRules(windows);
}

export function ask(windows: readonly TimeWindow[], asking: Partial<AskingWindows> & Pick<AskingWindows, 'at'>): GateAnswer {
  return windowGate(windowRules(windows), { action: 'finalize', scope: 'prod', ...asking });
}

/** `2026-11-23T09:00Z` of an instant with nothing below the minute. */
export function short(iso: string | undefined): string | undefined {
  return iso?.replace(/:00\.000Z$/, 'Z');
}
