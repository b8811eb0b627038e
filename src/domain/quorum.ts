/** So many people of one group. */
export interface Voters {
  readonly group: string;
  readonly count: number;
}

/** Who must approve: any one of several quorums, or all of them together. */
export interface Requirement {
  readonly any?: readonly Voters[];
  readonly all?: readonly Voters[];
  /** What asked for it, in a line: `approvals.rules[1] of prod`, `rule exposure (policies/base.yaml:12)`. */
  readonly because: string;
}
