import { HoldfastError } from '../domain/errors.js';

/** Nothing was ever recorded there: a reader who can do without takes it for an empty record. */
export class NoRecordYet extends HoldfastError {
  constructor(name: string, remedy: string) {
    super('Invalid', `${name} holds no record yet`, { remedy });
  }
}
