#!/usr/bin/env python3
"""What does Powerprop add to a step?

The LeNet 784-300-100-10 with batches of 60, float32. Two numbers for each variant, in CPU seconds at one thread:

  train   forward, backward, step
  step    the optimizer's step alone, on the same gradients

All variants take turns, round after round, and medians over the rounds are reported. The target is judged on `train`:
at most 1.5 × plain SGD for Powerprop around SGD. The step of plain SGD alone is one pass over the weights, and no wrapper
that has to multiply gradients and write weights comes near it; that ratio is reported beside it, without a target.
"""
import argparse
import json
import os
import platform
import sys
import time
from functools import partial
from statistics import median

os.environ.update(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1')      # before torch is imported

import torch
import torch.nn.functional as F

from optbias.core import generator, seeded
from optbias.models import MLP
from optbias.powerprop import Powerprop

torch.set_num_threads(1)
SIZES, BATCH, TARGET = (784, 300, 100, 10), 60, 1.5
SGD, ADAM = partial(torch.optim.SGD, lr=1e-5), partial(torch.optim.Adam, lr=1e-7)      # the same gradient again and again must lead nowhere


def wrapped(base, alpha, **options): return lambda params: Powerprop(base(params), alpha, **options)

def variants():
    "name → (what it is compared with, what makes it)."
    out = {'SGD': ('SGD', SGD)}
    for alpha in (2, 3, 4, 2.5, 2.2): out[f'Powerprop {alpha:g} on SGD'] = 'SGD', wrapped(SGD, alpha)
    for mode in ('split', 'gradient', 'update'): out[f'Powerprop 2 on SGD, {mode}'] = 'SGD', wrapped(SGD, 2, mode=mode)
    out['Adam'] = 'Adam', ADAM
    for alpha in (2, 3): out[f'Powerprop {alpha:g} on Adam'] = 'Adam', wrapped(ADAM, alpha)
    return out


def jobs():
    "name → (train, step), each doing one step."
    g = generator(0, 'batch')
    x, y = torch.rand(BATCH, SIZES[0], generator=g), torch.randint(SIZES[-1], (BATCH,), generator=g)
    out = {}
    for name, (_, make) in variants().items():
        with seeded(0, 'model'): model = MLP(SIZES)
        opt = make(model.parameters())
        def train(model=model, opt=opt):
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            opt.step()
        out[name] = train, opt.step
    return out


def seconds(job, times):
    start = time.process_time()
    for _ in range(times): job()
    return (time.process_time()-start)/times


def measure(rounds, times):
    "Milliseconds, one row a variant."
    every, got = jobs(), {}
    for i in range(rounds+1):                                    # the first round warms up, and is dropped
        for name, pair in every.items():
            for what, job in zip(('train', 'step'), pair, strict=True):
                s = seconds(job, times)
                if i: got.setdefault((name, what), []).append(s*1e3)
    rows = []
    for name, (base, _) in variants().items():
        row = dict(variant=name)
        for what in ('train', 'step'):
            row |= {what: median(got[name, what]), f'x_{what}': median(a/b for a, b in zip(got[name, what], got[base, what], strict=True))}
        rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=9, help='how often each variant is timed (default 9)')
    parser.add_argument('--times', type=int, default=40, help='steps each time (default 40)')
    parser.add_argument('--json', metavar='FILE', help='write the report here too')
    parser.add_argument('--check', action='store_true', help='exit with 1 when the target is missed')
    args = parser.parse_args()
    rows = measure(max(1, args.rounds), max(1, args.times))
    print(f'{platform.processor() or platform.machine()}, 1 thread, torch {torch.__version__}; CPU milliseconds\n')
    print(f'{"variant":32}{"train":>8}{"× base":>8}{"step":>9}{"× base":>8}')
    for r in rows: print(f'{r["variant"]:32}{r["train"]:8.3f}{r["x_train"]:8.2f}{r["step"]:9.3f}{r["x_step"]:8.1f}')
    judged = [r for r in rows if r['variant'] in ('Powerprop 2 on SGD', 'Powerprop 3 on SGD')]
    print()
    targets = [dict(target=f'{r["variant"]}: train ÷ SGD', reached=r['x_train'], at_most=TARGET, met=r['x_train'] <= TARGET) for r in judged]
    for t in targets: print(f'{"met   " if t["met"] else "MISSED"} {t["target"]}: {t["reached"]:.3g} (at most {t["at_most"]:g})')
    if args.json:
        with open(args.json, 'w') as f: json.dump(dict(torch=torch.__version__, batch=BATCH, sizes=SIZES, rounds=args.rounds, rows=rows, targets=targets), f, indent=1)
    if args.check and not all(t['met'] for t in targets): sys.exit(1)


if __name__ == '__main__': main()
