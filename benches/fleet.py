#!/usr/bin/env python3
"""How many requests a fleet sends to B2, with a shared token store and without, and what that asks of the store.

    benches/fleet.py            the tables of docs/fleet.md
    benches/fleet.py FILE.svg   the same, and the plot

A simulation in the rules of the library, with the times measured by `make bench`: nothing is sent. The random numbers are
always the same, and so is the output.
"""
import heapq
import random
import sys

FLEETS = (10, 1_000, 100_000)
DAY = 24 * 3600.0
B2_TIME = 0.3  # one authorize request
STORE_TIME = 5.0  # what all dealings with the store may take in one call
# What one core of a Redis does in a second: handshakes of TLS with P-256, and commands.
HANDSHAKES = 3_000
COMMANDS = 80_000
FIRST_POLL, SLOWEST_POLL, OVERTAKE = 0.010, 0.250, 3.0


class Server:
    """Makes connections one after the other, and runs commands one after the other between them, as Redis does: who has a
    connection does not queue behind those who want one."""

    def __init__(self):
        self.connected_at = self.free_at = 0.0
        self.commands = 0

    def connect(self, now):
        self.connected_at = max(now, self.connected_at) + 1 / HANDSHAKES
        return self.connected_at

    def run(self, now, commands):
        self.commands += commands
        self.free_at = max(now, self.free_at) + commands / COMMANDS
        return self.free_at


def start(machines, window, rng):
    """All machines of a fleet start within `window` seconds, and nothing is stored. Returns the requests to B2, those of them
    past the store, the commands per machine, and the time to a session of the median and of the slowest machine."""
    server = Server()
    # The slot of each overtaking, and when the record is there.
    slots, stored_at = {}, None
    requests = without = 0
    took = []
    events = [(rng.random() * window, number, "connect", 0.0, 0, 0) for number in range(machines)]
    began = {number: at for at, number, *_ in events}
    heapq.heapify(events)
    while events:
        now, number, step, used, waits, waited_ms = heapq.heappop(events)
        if step == "settle":
            stored_at = stored_at if stored_at is not None else now
            took.append(server.run(now, 7) - began[number])
            continue
        if step == "connect":
            connected = server.connect(now)
            if connected - now > STORE_TIME:
                requests += 1
                without += 1
                took.append(STORE_TIME + B2_TIME)
            else:
                heapq.heappush(events, (connected, number, "look", connected - now, 0, 0))
            continue
        commands = 2 if step == "look" else 4
        done = server.run(now, commands)
        used += done - now
        if used > STORE_TIME:
            # It went on without the store when its time was over.
            requests += 1
            without += 1
            took.append(now + STORE_TIME + B2_TIME - began[number])
        elif stored_at is not None and stored_at <= done:
            took.append(done - began[number])
        elif step == "look":
            heapq.heappush(events, (done, number, "claim", used, waits, waited_ms))
        else:
            waited = waited_ms / 1000
            slot = min(int(waited // OVERTAKE), 4)
            if slot not in slots:
                slots[slot] = number
                requests += 1
                heapq.heappush(events, (done + B2_TIME, number, "settle", used, waits, waited_ms))
                continue
            wait = min(FIRST_POLL * 2**min(waits, 10), SLOWEST_POLL) * (0.75 + rng.random() / 2)
            heapq.heappush(events, (done + wait, number, "look", used, waits + 1, waited_ms + int(wait * 1000)))
    took.sort()
    return requests, without, server.commands / machines, took[len(took) // 2], took[-1]


def days(machines, shared, rng, count=10):
    """The requests of a day in a fleet that runs. Each machine wants a new token at a moment of its own in the last third of
    the old one's life; those that share a store take the one that the first of them has got."""

    def due(since):
        return since + DAY * (0.8 - 0.1 * rng.random())

    if not shared:
        # Each for itself, and all alike: a sample tells.
        sample = min(machines, 2_000)
        total = 0
        for _ in range(sample):
            now = due(0.0)
            while now < count * DAY:
                total += 1
                now = due(now)
        return total / sample * machines / count
    total, now = 0, min(due(0.0) for _ in range(machines))
    while now < count * DAY:
        total += 1
        now = min(due(now) for _ in range(min(machines, 10_000)))
    return total / count


def plot(rows, path):
    """Requests a day by the size of the fleet, both logarithmic."""
    from math import log10

    width, height, left, bottom = 640, 360, 70, 300
    x = lambda machines: left + (log10(machines) - 1) / 4 * 520
    y = lambda requests: bottom - log10(max(requests, 1)) / 6 * 260
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="13">',
        "<title>Requests to B2 a day, by machines</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for power in range(7):
        at = y(10**power)
        parts.append(f'<path d="M{left} {at:.0f}H590" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{at + 4:.0f}" text-anchor="end">{10**power:,}</text>')
    for machines, *_ in rows:
        parts.append(f'<text x="{x(machines):.0f}" y="{bottom + 20}" text-anchor="middle">{machines:,}</text>')
    parts.append(f'<text x="330" y="{bottom + 45}" text-anchor="middle">machines</text>')
    parts.append('<text x="10" y="20">requests to B2 a day</text>')
    for column, colour, name in ((1, "#b03030", "each for itself"), (2, "#2060a0", "with a store")):
        points = [(x(row[0]), y(row[column])) for row in rows]
        line = "L".join(f"{px:.0f} {py:.0f}" for px, py in points)
        parts.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.extend(f'<circle cx="{px:.0f}" cy="{py:.0f}" r="4" fill="{colour}"/>' for px, py in points)
        parts.append(f'<text x="{points[1][0] + 10:.0f}" y="{points[1][1] - 10:.0f}" fill="{colour}">{name}</text>')
    parts.append("</svg>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n")


def main():
    rows = []
    print("| machines | requests a day, each for itself | with a store |\n|---|---|---|")
    for machines in FLEETS:
        rng = random.Random(machines)
        alone, shared = days(machines, False, rng), days(machines, True, rng)
        rows.append((machines, alone, shared))
        print(f"| {machines:,} | {alone:,.0f} | {shared:.1f} |")
    print("\n| machines | start within | requests | of them past the store | commands for each | session after, median | slowest |")
    print("|---|---|---|---|---|---|---|")
    for machines in FLEETS:
        for window in (1, 60) if machines < 100_000 else (1, 10, 30, 60):
            requests, without, commands, median, slowest = start(machines, window, random.Random(7))
            print(
                f"| {machines:,} | {window} s | {requests:,} | {without:,} | {commands:.1f} "
                f"| {median * 1000:,.0f} ms | {slowest * 1000:,.0f} ms |"
            )
    if len(sys.argv) > 1:
        plot(rows, sys.argv[1])


if __name__ == "__main__":
    main()
