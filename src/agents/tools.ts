import type { AgentTool } from './agentTool.ts';
import { attentionTool } from './attentionTool.ts';
import { compareTool } from './compareTool.ts';
import { countTool } from './countTool.ts';
import { lensTool } from './lensTool.ts';
import { modelsTool } from './modelsTool.ts';
import { nextTokensTool } from './nextTokensTool.ts';
import { scoreTool } from './scoreTool.ts';
import { DIGITS, MOST_ANSWER_UNITS } from './toolAnswer.ts';
import { whyTool } from './whyTool.ts';

/** All tools for agents, on the command line and in the editor. */
export const AGENT_TOOLS: readonly AgentTool[] = [
  scoreTool,
  nextTokensTool,
  compareTool,
  attentionTool,
  lensTool,
  whyTool,
  countTool,
  modelsTool,
];

/** What agents are told of all tools. */
export const INSTRUCTIONS = [
  'Numbers are computed by a real language model on this machine; the same question has the same answer, and nothing leaves the machine.',
  `Numbers have ${DIGITS} significant digits. An answer is JSON of at most ${MOST_ANSWER_UNITS} characters: lists are cut, and NAMELeftOut`,
  'says how many items were left out; long texts in it end with an ellipsis.',
  'Positions, layers and heads count from 0; offsets are UTF-16 units.',
].join(' ');
