"""Writes golden.csv: what CPython itself makes of ids. Run it as python3 golden.py > golden.csv."""

import random
from uuid import UUID

CATEGORIES = (
    "Rent,Salary Income,Food,Restaurant,Client Expenses,Transportation,Utilities,Entertainment,Healthcare,"
    "Shopping,Travel,Education,Insurance,Investment,Subscriptions"
).split(",")
M = 2**61 - 1  # what CPython takes integers by

edges = [0, 1, 14, 15, 16, M - 1, M, M + 1, 2 * M, 2**61, 2**62, 2**63, 2**64 - 1, 2**64, 2**64 + 1, M << 64, M << 67,
         (M << 64) + M, (M * M) % 2**128, M * 2**61, M * (2**67 - 1), 2**127, 2**128 - 1, 2**128 - 2,
         UUID("b9fa6684-502b-4695-8f92-247432ba610d").int, UUID("81fe8d20-b855-5e84-9566-f6693045d336").int]
edges += [2**n for n in range(0, 128, 3)] + [2**n - 1 for n in range(1, 129, 5)] + [M * k for k in (3, 7, 8, 9, 2**32, 2**66)]
rng = random.Random(20240101)
ids = sorted({e % 2**128 for e in edges}) + [rng.getrandbits(128) for _ in range(200)]

print("id,hash,category")
for i in ids:
    u = UUID(int=i)
    print(f"{u},{hash(u)},{CATEGORIES[hash(u) % len(CATEGORIES)]}")
