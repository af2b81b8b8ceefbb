"""Schedules of publishing, judged: 0 findings is what is promised, and each safeguard taken out is seen."""

# ruff: noqa: T201 - it prints for people

import argparse
import sys
import time

from tests.simulation.campaign import KINDS, Tally, campaign, simulate
from tests.simulation.checks import CHECKS
from tests.simulation.mutants import MUTANTS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--schedules", type=int, default=100)
    parser.add_argument("--mutant", choices=list(MUTANTS), help="take this safeguard out")
    parser.add_argument("--mutants", action="store_true", help="a table: each safeguard out, one after the other")
    parser.add_argument("--harsh", action="store_true", help="only the wildest schedules")
    parser.add_argument("--kind", choices=list(KINDS), default="publish", help="one workflow, or sets of several")
    parser.add_argument("--history", action="store_true", help="print what happened, also where nothing is wrong")
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + asked.schedules)
    if asked.mutants:
        for name, mutate in MUTANTS.items():
            print(
                row(name, campaign(seeds, name, harsh=asked.harsh, kind=asked.kind, processes=asked.processes)),
                "|",
                mutate.__doc__,
                flush=True,
            )
        return
    if asked.history:
        for seed in seeds:
            print(simulate(seed, asked.mutant, harsh=asked.harsh, kind=asked.kind).told())
        return
    began = time.perf_counter()
    tally = campaign(seeds, asked.mutant, harsh=asked.harsh, kind=asked.kind, processes=asked.processes)
    print(figures(tally, time.perf_counter() - began))
    for seed in tally.bad[:3]:
        print(simulate(seed, asked.mutant, harsh=asked.harsh, kind=asked.kind).told())
    sys.exit(1 if tally.bad and not asked.mutant else 0)


def row(mutant: str, tally: Tally) -> str:
    found = ", ".join(f"{check} {times}" for check, times in tally.found.most_common()) or "nothing"
    return f"{mutant:<24} {len(tally.bad):>5} of {tally.schedules} runs | {found}"


def figures(tally: Tally, seconds: float) -> str:
    each = tally.schedules or 1
    per = f"{tally.crashes / each:.1f} crashes, {tally.stalls / each:.1f} stalls, {tally.records / each:.1f} records"
    lines = [
        f"{tally.schedules} schedules in {seconds:.0f} s ({seconds / each * 1000:.0f} ms each)",
        f"a schedule: {per}, {tally.writes / each:.1f} writes",
        f"longest time offline of a deploy that kept it online: {tally.longest_offline:.0f} s",
        "what happened: " + ", ".join(f"{what} {times}" for what, times in sorted(tally.seen.items())),
    ]
    return "\n".join([*lines, *(f"{check}: {tally.found[check]} ({told})" for check, told in CHECKS.items())])


if __name__ == "__main__":
    main()
