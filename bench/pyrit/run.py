"""The job of TestRunFigures, done by PyRIT 1.1: prompts of a CSV through Base64 to a model,
scored by a substring, kept in PyRIT's SQLite memory. Prints what came of it as JSON.

The time is that of the attacks alone: not of the imports, and not of making the memory.
"""

import argparse
import asyncio
import collections
import csv
import itertools
import json
import logging
import time

from pyrit.converter import Base64Converter
from pyrit.executor.attack import AttackConverterConfig, AttackExecutor, AttackScoringConfig, PromptSendingAttack
from pyrit.memory import CentralMemory, SQLiteMemory
from pyrit.prompt_normalizer import ConverterConfiguration
from pyrit.prompt_target import OpenAIChatTarget
from pyrit.score import SubStringScorer


async def run(arguments: argparse.Namespace) -> dict:
    CentralMemory.set_memory_instance(SQLiteMemory(db_path=arguments.memory))
    with open(arguments.prompts, newline="", encoding="utf-8") as file:
        prompts = [row["prompt"] for row in itertools.islice(csv.DictReader(file), arguments.count)]
    attack = PromptSendingAttack(
        objective_target=OpenAIChatTarget(endpoint=arguments.endpoint, api_key="sk-mock", model_name="mock"),
        attack_converter_config=AttackConverterConfig(
            request_converters=ConverterConfiguration.from_converters(converters=[Base64Converter()])
        ),
        attack_scoring_config=AttackScoringConfig(objective_scorer=SubStringScorer(substring=arguments.substring)),
    )
    began, processor = time.perf_counter(), time.process_time()
    results = await AttackExecutor(max_concurrency=arguments.concurrency).execute_attack_async(
        attack=attack, objectives=prompts
    )
    seconds = time.perf_counter() - began
    outcomes = collections.Counter(result.outcome.value for result in results)
    return {"seconds": seconds, "processor": time.process_time() - processor, "outcomes": outcomes}


parser = argparse.ArgumentParser()
parser.add_argument("--endpoint", required=True)
parser.add_argument("--prompts", required=True)
parser.add_argument("--count", type=int, required=True)
parser.add_argument("--concurrency", type=int, required=True)
parser.add_argument("--substring", required=True)
parser.add_argument("--memory", required=True)
logging.disable(logging.WARNING)  # it says the same for each attack
print(json.dumps(asyncio.run(run(parser.parse_args()))))
