/** Nobody runs under that id: it has ended, or was deleted. */
export function isGone(error: unknown): boolean {
  return error instanceof Error && error.name === 'WorkflowNotFoundError';
}
