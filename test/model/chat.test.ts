/** Conversations as text: chat templates from tokenizer_config.json, chat_template.jinja and GGUF metadata. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import { readGgufHeader } from '../../src/model/gguf/header';
import { ggufTokenizer } from '../../src/model/gguf/tokenizer';
import { Tokenizer } from '../../src/model/tokenizer';
import type { ChatMessage } from '../../src/model/tokenizer-chat';
import { fixture } from '../support/fixtures';
import { writeGguf } from '../support/gguf';
import { copyOf, errorOf } from '../support/temporary';

const MESSAGES: ChatMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hello' },
];

/** ChatML, as Qwen's models have it. */
const CHATML = `{%- for message in messages %}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}`;
const CHATML_TEXT = '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n';

/** Llama 2's, shortened: it begins with the beginning of text, and wants the roles to alternate. */
const LLAMA2 = `{% for message in messages %}
{% if (message.role == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('Conversation roles must alternate user/assistant') }}
{% endif %}
{{ bos_token + '[INST] ' + message.content | trim + ' [/INST]' }}
{% endfor %}`;

async function tokenizerWith(config: object, template?: string): Promise<Tokenizer> {
  const folder = copyOf('llama');
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config));
  if (template) writeFileSync(join(folder, 'chat_template.jinja'), template);
  return (await Tokenizer.fromFolder(folder))!;
}

describe('where a template is from', () => {
  test('tokenizer_config.json', async () => {
    const tokenizer = await tokenizerWith({ chat_template: CHATML });
    expect(tokenizer.hasChatTemplate).toBe(true);
    expect(tokenizer.applyChatTemplate(MESSAGES)).toBe(`${CHATML_TEXT}<|im_start|>assistant\n`);
    expect(tokenizer.applyChatTemplate(MESSAGES, { addGenerationPrompt: false })).toBe(CHATML_TEXT);
  });

  test('a list of templates by name: the default', async () => {
    const chat_template = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: '{{ messages[1].content }}' },
    ];
    expect((await tokenizerWith({ chat_template })).applyChatTemplate(MESSAGES)).toBe('Hello');
  });

  test('chat_template.jinja has the last word', async () => {
    const tokenizer = await tokenizerWith({ chat_template: 'old' }, '{{ messages | length }}');
    expect(tokenizer.applyChatTemplate(MESSAGES)).toBe('2');
  });

  test('GGUF metadata, with the tokens that it names', async () => {
    const path = writeGguf({
      metadata: {
        'tokenizer.ggml.model': 'llama',
        'tokenizer.ggml.tokens': ['<unk>', '<s>', '</s>', '▁', 'a'],
        'tokenizer.ggml.scores': [0, 0, 0, -1, -2],
        'tokenizer.ggml.token_type': [2, 3, 3, 1, 1],
        'tokenizer.ggml.unknown_token_id': 0,
        'tokenizer.chat_template':
          "{{ bos_token }}{{ messages[0]['content'] }}{{ eos_token }}{{ unk_token }}",
      },
    });
    const tokenizer = ggufTokenizer((await readGgufHeader(path)).metadata)!;
    const text = tokenizer.applyChatTemplate([{ role: 'user', content: 'a' }]);
    expect(text).toBe('<s>a</s><unk>');
    // The beginning that the template wrote is the only one, whichever way the text is encoded.
    expect(tokenizer.encode(text, { addSpecialTokens: false })).toEqual([1, 3, 4, 2, 0]);
    expect(tokenizer.encode(text)).toEqual([1, 3, 4, 2, 0]);
  });
});

test('special tokens by name, as text or as objects, and variables of the caller', async () => {
  const config = { bos_token: { content: '<|end|>' }, eos_token: '</s>' };
  const tokenizer = await tokenizerWith(config, '{{ bos_token }}{{ eos_token }}{{ thinking }}');
  expect(tokenizer.applyChatTemplate(MESSAGES, { variables: { thinking: 'off' } })).toBe('<|end|></s>off');
});

describe('what is refused', () => {
  test('a model without a template', async () => {
    const tokenizer = await tokenizerWith({});
    expect(tokenizer.hasChatTemplate).toBe(false);
    const error = await errorOf(() => tokenizer.applyChatTemplate(MESSAGES));
    expect([error.code, error.message]).toEqual([
      'UNSUPPORTED',
      expect.stringMatching(/without a chat template/),
    ]);
  });

  test.each([
    ['no messages', []],
    ['text', 'Hello'],
    ['a message without content', [{ role: 'user' }]],
    ['a role that is a number', [{ role: 1, content: '' }]],
    ['nothing', [null]],
  ])('%s', async (_, messages) => {
    const tokenizer = await tokenizerWith({ chat_template: CHATML });
    const error = await errorOf(() => tokenizer.applyChatTemplate(messages as never));
    expect([error.code, error.message]).toEqual(['INVALID', expect.stringMatching(/\{ role, content \}/)]);
  });

  test('messages that the template does not take, in its words', async () => {
    const tokenizer = await tokenizerWith({ chat_template: LLAMA2, bos_token: '<s>' });
    const error = await errorOf(() => tokenizer.applyChatTemplate(MESSAGES));
    expect(error.code).toBe('INVALID');
    expect(error.message).toMatch(/does not take these messages: Conversation roles must alternate/);
    expect(tokenizer.applyChatTemplate([{ role: 'user', content: ' Hi ' }])).toBe('<s>[INST] Hi [/INST]\n');
  });

  test('a template that is no Jinja', async () => {
    const tokenizer = await tokenizerWith({ chat_template: '{% for %}' });
    const error = await errorOf(() => tokenizer.applyChatTemplate(MESSAGES));
    expect([error.code, error.message]).toEqual([
      'BAD_FORMAT',
      expect.stringMatching(/cannot be understood/),
    ]);
  });
});

describe('a template that counts to a billion is stopped', () => {
  test.each([
    ['one range', '{% for i in range(1000000000) %}{% endfor %}'],
    [
      'a range in a range',
      '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}',
    ],
  ])('%s', async (_, chat_template) => {
    const tokenizer = await tokenizerWith({ chat_template });
    const began = performance.now();
    const error = await errorOf(() => tokenizer.applyChatTemplate(MESSAGES));
    expect([error.code, error.message]).toEqual([
      'INVALID',
      expect.stringMatching(/does not take these messages: .*timed out after 500ms/),
    ]);
    // Many times the limit: only that it ends is asserted, on whatever machine.
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

describe('a conversation as a prompt', () => {
  const template = "{{ '<|end|>' + messages[0].content }}";

  test('is what its text gives, with special tokens as such', async () => {
    const folder = copyOf('llama');
    writeFileSync(join(folder, 'chat_template.jinja'), template);
    const model = await openModel(folder);
    const session = model.session();
    const messages = [{ role: 'user', content: 'Hello' }];
    const asked = await session.forward({ messages });
    const written = await session.forward([0, ...model.tokenizer!.encode('Hello')]);
    expect(asked.data).toEqual(written.data);
    const cli = join(__dirname, '../../dist/src/cli/main.js');
    const args = ['generate', folder, '--chat', 'Hello', '--max-tokens', '2', '--json'];
    const { promptTokens } = JSON.parse(execFileSync(process.execPath, [cli, ...args], { encoding: 'utf8' }));
    expect(promptTokens).toBe(written.shape[0]);
    model.close();
    await session.closed;
  });

  test('without a template it is refused', async () => {
    const model = await openModel(fixture('llama'));
    const error = await errorOf(() => model.session().generate({ messages: MESSAGES }));
    expect(error.code).toBe('UNSUPPORTED');
    expect((await errorOf(() => model.session().generate({} as never))).code).toBe('UNSUPPORTED');
    model.close();
  });
});
