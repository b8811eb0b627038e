import { expect, it } from 'vitest';
import { isReadOnly } from '../../src/domain/read-only.js';

it.each([
  { value: '1', is: true }, { value: 'true', is: true }, { value: 'TRUE', is: true }, { value: 'yes', is: true }, { value: 'audit until Friday', is: true },
  { value: undefined, is: false }, { value: '', is: false }, { value: '0', is: false }, { value: 'False', is: false }, { value: 'off', is: false },
])('HOLDFAST_READ_ONLY=$value is $is: no spelling of it lets writes through', ({ value, is }) => {
  expect(isReadOnly(value)).toBe(is);
});
