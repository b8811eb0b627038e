import { DefaultFailureConverter, type FailureConverter } from '@temporalio/common';

/** Puts the message and stack of a failed step where the codec encrypts them. Loaded by name, by workers with encryption. */
export const failureConverter: FailureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
