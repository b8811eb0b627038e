import { DefaultFailureConverter, TemporalFailure, type FailureConverter } from '@temporalio/common';

/**
 * A failure that a workflow passes on, such as that of a step which ended it, leaves as it came:
 * what was encrypted is not written in plain text by whoever only read it.
 */
class KeepingFailureConverter extends DefaultFailureConverter {
  override failureToError(...[failure, converter, context]: Parameters<DefaultFailureConverter['failureToError']>): Error {
    const error = super.failureToError(failure, converter, context);
    if (error instanceof TemporalFailure && failure.encodedAttributes != null) error.failure = failure;
    return error;
  }
}

/** Bundled with the workflows. */
export const failureConverter: FailureConverter = new KeepingFailureConverter();
