import { decisionStatement, NAMESPACE, type About } from './statement.js';

/** Stands where whoever signs puts their own name. */
const NAME = 'YOUR-NAME';

/** What to sign to approve, and the command that signs it: for whoever has nothing but a terminal and their key. */
export interface Showing {
  readonly statement: string;
  readonly command: string;
}

/** Names and hashes alone stand in it, so that single quotes hold it in any shell. */
export function showApproval(about: About, by = NAME): Showing {
  const statement = decisionStatement(about, { decision: 'approve', by });
  return { statement, command: `printf %s '${statement}' | ssh-keygen -Y sign -n ${NAMESPACE} -f ~/.ssh/id_ed25519` };
}

/** Markdown, for the page of a workflow: what to sign, how, and what to send. */
export function signingMarkdown(about: About & { readonly question: { readonly plan: string } }, name: string): string {
  const plan = about.question.plan.slice(0, 12);
  const block = (kind: string, text: string): string[] => ['', `\`\`\`${kind}`, text, '```'];
  return [
    `**To approve, sign it** with your own key, registered under \`principals\`, and your name in place of ${NAME}:`,
    ...block('sh', showApproval(about).command),
    '',
    'and send the signal `approve` with the signature, its line ends written `\\n`:',
    ...block('json', JSON.stringify({ by: NAME, plan, signature: '-----BEGIN SSH SIGNATURE-----\n…' })),
    '',
    'or let the command line do all of it, and `reject` and `accept` in the same way:',
    ...block('sh', `holdfast approve ${name} --plan ${plan} --key ~/.ssh/id_ed25519`),
  ].join('\n');
}
