import { poolQueue, WORKFLOW_QUEUE } from '../workflows/messages.js';

/** Where a pool's read work waits. */
export function readQueue(pool: string): string {
  return poolQueue(pool, 'read');
}

export function writeQueue(pool: string): string {
  return poolQueue(pool, 'write');
}

export { WORKFLOW_QUEUE };
