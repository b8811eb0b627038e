export { checkEnvironment } from './check-environment.js';
export { environment } from './environment.js';
export { incident } from './incident.js';
