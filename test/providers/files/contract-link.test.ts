import { describeContract } from '../contract.js';
import { harnessFor } from './harness.js';

describeContract(harnessFor('link'));
