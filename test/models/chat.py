"""Writes test/models/chat.json: chat templates of the kinds that checkpoints have, and the texts that Hugging Face transformers
makes with them.

    pip install transformers && python3 test/models/chat.py

What the tests need is in the repository.
"""

import json
import pathlib

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}

TEMPLATES = {
    # Roles between markers, a first message if there is none, and the beginning of an answer.
    "markers": """{% for message in messages %}
    {% if loop.first and messages[0]['role'] != 'system' %}
        {{- '<|start|>system\\nBe brief.<|end|>\\n' }}
    {% endif %}
    {{- '<|start|>' + message['role'] + '\\n' + message['content'] + '<|end|>' + '\\n' }}
{% endfor %}
{% if add_generation_prompt %}
    {{- '<|start|>assistant\\n' }}
{% endif %}
""",
    # A system message that belongs to the first question; roles that have to alternate.
    "alternating": """{{ bos_token }}
{%- if messages[0].role == 'system' -%}
    {%- set system = messages[0].content | trim + '\\n\\n' -%}
    {%- set rest = messages[1:] -%}
{%- else -%}
    {%- set system = '' -%}
    {%- set rest = messages -%}
{%- endif -%}
{%- for message in rest -%}
    {%- if (message.role == 'user') != (loop.index0 % 2 == 0) -%}
        {{- raise_exception('roles have to alternate, and the first has to be user') -}}
    {%- endif -%}
    {%- if message.role == 'user' -%}
        [Q] {{ (system if loop.first else '') ~ message.content.strip() }} [/Q]
    {%- elif message.role == 'assistant' -%}
        {{ ' ' ~ message.content.strip() ~ eos_token }}
    {%- endif -%}
{%- endfor -%}
""",
    # What models that think leave out of earlier answers; loops that end early; macros and namespaces.
    "thinking": """{%- macro turn(role, text) -%}
    {{ '<|' ~ role ~ '|>' ~ text ~ '<|/|>\\n' }}
{%- endmacro -%}
{%- set state = namespace(last=-1, count=0) -%}
{%- for message in messages[::-1] -%}
    {%- set index = messages | length - 1 - loop.index0 -%}
    {%- if message.role == 'user' and state.last == -1 -%}
        {%- set state.last = index -%}
        {%- break -%}
    {%- endif -%}
{%- endfor -%}
{%- for message in messages -%}
    {%- if message.content is string -%}
        {%- set text = message.content -%}
    {%- else -%}
        {%- set text = message.content | map(attribute='text') | join('\\n') -%}
    {%- endif -%}
    {%- if message.role == 'tool' -%}{%- continue -%}{%- endif -%}
    {%- if message.role == 'assistant' and loop.index0 < state.last and '</think>' in text -%}
        {%- set text = text.split('</think>')[-1].lstrip('\\n') -%}
    {%- endif -%}
    {%- set state.count = state.count + 1 -%}
    {{- turn(message.role, text) -}}
{%- endfor -%}
{%- if tools is defined and tools -%}{{ tools | tojson }}{%- endif -%}
{%- if add_generation_prompt is defined and add_generation_prompt -%}
    {{- '<|assistant|>' }}
    {%- if enable_thinking is defined and enable_thinking is false -%}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif -%}
{%- endif -%}
""",
    # JSON, methods of strings and dictionaries, filters, tests.
    "methods": """{%- for message in messages %}
{{ message | tojson }}
{{ message.content | tojson(indent=2) }}
{%- for key, value in message.items() %}
{{ loop.index }} {{ key | upper }} {{ key.startswith('r') }} {{ value is string }} {{ value is mapping }} {{ value is none }}
{%- endfor %}
{{ message.get('name', 'nobody') }} {{ message['name'] is defined }} {{ message.role.title() }} {{ message.role in ['user', 'tool'] }}
{%- if message.content is string %}
{{ message.content.replace('a', 'o').rstrip().upper() }}|{{ message.content | length }}|{{ message.content[:3] }}|{{ message.content.split()[0] }}
{%- endif %}
{%- endfor %}
{{ unk_token }}{{ ['a', 'b'] | join(', ') }} {{ [1, 2.5, true, none] | tojson }} {{ '<&>' }}
""",
    # Blanks as they are without and with signs.
    "blanks": """  {% if true %}
  a
    {%- if true %} b
  {% endif %}
{% endif %}
  {# a remark #}
c {{- ' d ' -}} e
{% set x = 3 %}
{{ x // 2 }} {{ x % 2 }} {{ x ** 2 }} {{ 7 / 2 }} {{ not x }} {{ 'é' }}
{% for m in messages %}{{ m.role }}{{ ", " if not loop.last }}{% endfor %}

""",
}

PLAIN = [{"role": "user", "content": "  What is a cat? "}]
TALK = [
    {"role": "system", "content": "You are kind.\n"},
    {"role": "user", "content": "Hello \"there\""},
    {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello! é 猫"},
    {"role": "user", "content": "And a dog's bark & <bite>?"},
]
MESSAGES = {
    "plain": PLAIN,
    "talk": TALK,
    "parts": [
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
        {"role": "tool", "content": "3", "name": "adder"},
        {"role": "user", "content": "so?"},
    ],
    "wrong order": [{"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Hello"}],
}


def main():
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **SPECIAL)
    cases = []
    for name, template in TEMPLATES.items():
        for which, messages in MESSAGES.items():
            try:
                text = tokenizer.apply_chat_template(
                    messages, chat_template=template, tokenize=False, add_generation_prompt=True
                )
            except Exception as e:
                text = None
                print(name, which, e)
            cases.append({"template": name, "messages": json.dumps(messages, ensure_ascii=False), "text": text})
    content = {"special_tokens": SPECIAL, "templates": TEMPLATES, "cases": cases}
    (HERE / "chat.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
