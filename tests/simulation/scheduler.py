"""Time and chance of one schedule: actors are greenlets, one of them moves at a time, one seed decides which."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import greenlet  # type: ignore[import-untyped] # stubs are no dependency of ours

ASLEEP = "asleep"
WAITING = "waiting for"
_DRIFT = 0.05  # how often time passes though somebody could move


class Killed(BaseException):
    """As kill -9: nothing in the program catches it, and nothing that it still tries has an effect."""


class OutOfTime(Exception):
    """It has not come to an end."""


@dataclass(eq=False)
class Actor:
    """`at`: where it stands. `wake_at`: it does not move before."""

    name: str
    wake_at: float
    on_killed: Callable[[], None] | None = None
    at: str = "start"
    dead: bool = False
    body: greenlet.greenlet | None = None

    @property
    def killable(self) -> bool:
        return self.on_killed is not None


@dataclass
class Nemesis:
    """Chances at a yield. `stall_seconds`: how long somebody stands still at most."""

    crash: float = 0.0
    stall: float = 0.0
    stall_seconds: float = 0.0


@dataclass
class Scheduler:
    """`now` in seconds. Same seed, same history."""

    random: Random
    nemesis: Nemesis = field(default_factory=Nemesis)
    now: float = 0.0
    moves: int = 0
    crashes: int = 0
    stalls: int = 0
    current: Actor | None = None
    note: Callable[[str, str], None] = lambda _who, _what: None
    _actors: list[Actor] = field(default_factory=list)
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _hub: greenlet.greenlet | None = None

    def chance(self, probability: float) -> bool:
        return probability > 0 and self.random.random() < probability

    def spawn(
        self, name: str, body: Callable[[], None], *, after: float = 0.0, on_killed: Callable[[], None] | None = None
    ) -> Actor:
        """`on_killed`: what happens once it was killed; without it nobody kills it."""
        actor = Actor(name, self.now + after, on_killed)
        actor.body = greenlet.greenlet(body)
        self._actors.append(actor)
        return actor

    def after(self, seconds: float, happens: Callable[[], None]) -> None:
        """Of the world, not of an actor: whoever made it may be dead by then."""
        heapq.heappush(self._events, (self.now + seconds, self.moves * 1000 + len(self._events), happens))

    def pause(self, at: str) -> None:
        """The present actor lets others move. Raises Killed if it does not survive that."""
        self.sleep(0.0, at)

    def sleep(self, seconds: float, at: str) -> None:
        actor = self.current
        assert actor is not None, "only an actor sleeps"
        assert self._hub is not None
        if actor.dead:
            raise Killed
        actor.at, actor.wake_at = at, self.now + seconds
        self._hub.switch()

    def die_here(self, at: str) -> None:
        """A kill in a place where nobody else may move: inside a transaction."""
        actor = self.current
        if actor is not None and actor.killable and self.chance(self.nemesis.crash):
            self._kill(actor, at)
            raise Killed

    def run(self, done: Callable[[], bool], *, until: float, moves: int) -> None:
        """Until `done`, or until nobody is left. Raises OutOfTime."""
        self._hub = greenlet.getcurrent()
        while not done():
            if self.now > until or self.moves > moves:
                raise OutOfTime(f"after {self.now:.0f} s and {self.moves} moves")
            if not self._move():
                return

    def stop(self) -> None:
        """Everybody is gone; to be called once it is over."""
        for actor in self._actors:
            actor.dead = True
            self._throw(actor)
        self._actors.clear()

    def _move(self) -> bool:
        self.moves += 1
        while self._events and self._events[0][0] <= self.now:
            heapq.heappop(self._events)[2]()
        ready = [actor for actor in self._actors if actor.wake_at <= self.now]
        if not ready:
            times = [actor.wake_at for actor in self._actors] + [event[0] for event in self._events[:1]]
            if not times:
                return False
            self.now = min(times)
            return True
        if self.chance(_DRIFT):
            self.now += self.random.random() * 2.0
            return True
        self._resume(self.random.choice(ready))
        return True

    def _resume(self, actor: Actor) -> None:
        if actor.killable and self.chance(self.nemesis.crash * _worth(actor.at)):
            self._kill(actor, actor.at)
            self._throw(actor)
            return
        if actor.killable and self.chance(self.nemesis.stall):
            seconds = self.random.uniform(0.0, self.nemesis.stall_seconds)
            self.stalls += 1
            self.note(actor.name, f"stands still for {seconds:.1f} s at: {actor.at}")
            actor.wake_at = self.now + seconds
            return
        self._enter(actor, lambda body: body.switch())

    def _kill(self, actor: Actor, at: str) -> None:
        self.crashes += 1
        actor.dead = True
        self.note(actor.name, f"KILLED at: {at}")
        assert actor.on_killed is not None
        actor.on_killed()

    def _throw(self, actor: Actor) -> None:
        self._enter(actor, lambda body: body.throw(Killed))

    def _enter(self, actor: Actor, how: Callable[[greenlet.greenlet], object]) -> None:
        assert actor.body is not None
        actor.body.parent = greenlet.getcurrent()
        before, self.current = self.current, actor
        try:
            how(actor.body)
        except Killed:
            actor.dead = True
        finally:
            self.current = before
            if actor.body.dead and actor in self._actors:
                self._actors.remove(actor)


def _worth(at: str) -> float:
    """Who does nothing is hardly worth a kill, whoever waits for a reply is."""
    return 0.1 if at == ASLEEP else 5.0 if at.startswith(WAITING) else 1.0
