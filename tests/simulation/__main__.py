"""python -m tests.simulation --seed S --schedules N"""

import argparse
import time

from tests.simulation.campaign import Tally, simulate


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--schedules", type=int, default=1)
    parser.add_argument("--history", action="store_true", help="print what happened, also where nothing is wrong")
    asked = parser.parse_args()
    tally, began = Tally(), time.perf_counter()
    for seed in range(asked.seed, asked.seed + asked.schedules):
        outcome = simulate(seed)
        tally.add(outcome)
        if asked.history:
            print(outcome.told())
    print(tally, f"{time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
