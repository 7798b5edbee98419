// SPDX-License-Identifier: Apache-2.0
export { FakeClock } from './clock.ts';
export { findTool, requireTool } from './tools.ts';
