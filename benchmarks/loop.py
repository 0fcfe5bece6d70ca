#!/usr/bin/env python3
"""How fast is optbias.train? Samples a second of CPU time, at one thread, against the usual loop and against the matrix products alone.

    python benchmarks/loop.py [--rounds 9] [--json FILE] [--check]

Workload: permuted MNIST, 10 000 images a task, an MLP 784-256-256-10, batch 64, one epoch.
All variants and all matrix products take turns within one process, round after round; medians over the rounds are reported.

The floor is the time of the step's matrix products alone, without the derivative by the input, which nobody needs:
counted FLOPs ÷ rate. There are three rates, measured in the same rounds:
  peak    the best rate of a square product of 1024, of PyTorch's two libraries (BLAS behind torch.mm, and oneDNN).
          **The targets are judged on this one**: it is the strictest.
  mm      a square product of 1024 by torch.mm, which is what `nn.Linear` uses.
  shapes  the step's own eight products by torch.mm: what `nn.Linear` cannot beat at these sizes.
The floor holds no optimizer: what Adam reads and writes besides the gradient is on top of it, and is reported as it is.
"""
import argparse
import json
import os
import platform
import sys
import time
from statistics import median

os.environ.update(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1')      # before torch is imported

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from optbias.core import generator
from optbias.data import Data, load
from optbias.models import MLP
from optbias.train import batches, evaluate, fast_step, linear, train

torch.set_num_threads(1)
SIZES, BATCH, IMAGES = (784, 256, 256, 10), 64, 10_000
TARGETS = {'any torch.optim (SGD), autograd': 3.3, 'built-in fast step': 2.0, 'evaluation of 10 000 images, CPU s': .06}


def images():
    "One task: 10 000 images whose pixels are in another order."
    data = load('mnist', n=IMAGES)
    x = data.x.flatten(1)[:, torch.randperm(SIZES[0], generator=generator(0, 'pixels'))]
    return Data(x=x.reshape(-1, 1, 28, 28), y=data.y, classes=data.classes, name='permuted mnist')


def products():
    "(m, k, n) of each matrix product of a step: forward, by the weights, and by the layer's input except for the first layer."
    out = []
    for i, (a, b) in enumerate(zip(SIZES[:-1], SIZES[1:], strict=True)):
        out += [(BATCH, a, b), (b, BATCH, a)] + ([(BATCH, b, a)] if i else [])
    return out


def flops(shapes): return sum(2*m*k*n for m, k, n in shapes)


def multiplier(shapes, product, repeat):
    "A function that makes these products `repeat` times."
    pairs = [(torch.randn(m, k), torch.randn(n, k)) for m, k, n in shapes]
    @torch.no_grad()              # where a gradient may be asked for, `linear` does not use oneDNN
    def run():
        for _ in range(repeat):
            for A, B in pairs: product(A, B)
    return run


def usual(model, data, optimizer):
    "The loop of most tutorials."
    for x, y in DataLoader(TensorDataset(data.x, data.y), BATCH, shuffle=True, generator=generator(0, 'usual')):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def index_loop(model, data, optimizer):
    "The shortest loop on tensors, without any service around it."
    for rows in batches(len(data.x), BATCH, generator(0, 'batches', 0)):
        optimizer.zero_grad()
        F.cross_entropy(model(data.x[rows]), data.y[rows]).backward()
        optimizer.step()


def hand_loop(model, data, optimizer):
    "The hand-written gradients and optimizer.step(), without any service around them."
    x, gradient = data.x.flatten(1), fast_step(model)
    for rows in batches(len(x), BATCH, generator(0, 'batches', 0)):
        gradient(x.index_select(0, rows), data.y.index_select(0, rows))
        optimizer.step()


class TorchSGD(torch.optim.SGD):
    "SGD for which `train` calls optimizer.step(), as it does for any optimizer that it does not know."


def variants():
    "name → (loop, optimizer class, its options)."
    def by(step): return lambda model, data, optimizer: train(model, data, optimizer, batch_size=BATCH, step=step)
    sgd, adam, adamw = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
    out = {'DataLoader loop, SGD': (usual, sgd, {}), 'bare index loop, SGD': (index_loop, sgd, {}), 'bare hand-written loop, SGD': (hand_loop, sgd, {})}
    for step in ('autograd', 'fast'):
        for name, make, options in (('SGD', TorchSGD, {}), ('SGD foreach', TorchSGD, dict(foreach=True)), ('SGD fused', TorchSGD, dict(fused=True)),
                                    ('Adam', adam, {}), ('Adam fused', adam, dict(fused=True)),
                                    ('AdamW', adamw, {}), ('AdamW fused', adamw, dict(fused=True))):
            out[f'train {step}, {name}'] = by(step), make, options
    out['train fast, built-in SGD'] = by('fast'), sgd, {}
    out['train fast, built-in SGD momentum'] = by('fast'), sgd, dict(momentum=.9)
    return out


def cpu_seconds(f):
    start = time.process_time()
    f()
    return time.process_time()-start


def measure(rounds):
    "Seconds of CPU time by variant, one number a round."
    data, jobs, square = images(), {}, [(1024,)*3]
    jobs['products mm 1024'] = multiplier(square, lambda A, B: torch.mm(A, B.t()), 3)
    jobs['products oneDNN 1024'] = multiplier(square, linear, 3)
    jobs['products mm shapes'] = multiplier(products(), lambda A, B: torch.mm(A, B.t()), 50)
    jobs['products optbias shapes'] = multiplier(products(), linear, 50)
    for name, (loop, make, options) in variants().items():
        torch.manual_seed(0)
        model = MLP(SIZES)
        optimizer = make(model.parameters(), lr=1e-3, **options)
        jobs[name] = lambda loop=loop, model=model, optimizer=optimizer: loop(model, data, optimizer)
    jobs['evaluate, 10 000 images'] = lambda: evaluate(model, data)
    times = {name: [] for name in jobs}
    for i in range(rounds+1):                                    # the first round warms up, and is dropped
        for name, job in jobs.items():
            seconds = cpu_seconds(job)
            if i: times[name].append(seconds)
    return times


def cpu_name():
    "What the processor calls itself."
    try:
        with open('/proc/cpuinfo') as f: return next(line.split(':')[1].strip() for line in f if line.startswith('model name'))
    except (OSError, StopIteration): return platform.processor() or platform.machine()


def report(times):
    "Rates, one row a variant, and the targets."
    t = {name: median(s) for name, s in times.items()}
    step, square = flops(products()), 2*1024**3
    rates = {'mm': 3*square/t['products mm 1024'], 'oneDNN': 3*square/t['products oneDNN 1024'],
             'shapes': 50*step/t['products mm shapes'], 'optbias shapes': 50*step/t['products optbias shapes']}
    rates['peak'] = max(rates['mm'], rates['oneDNN'])
    epoch, loader = step*IMAGES/BATCH, t['DataLoader loop, SGD']
    rows = [dict(variant=name, samples_per_cpu_s=round(IMAGES/s), us_per_step=round(s*1e6*BATCH/IMAGES, 1), speed_vs_dataloader=round(loader/s, 2),
                 **{f'x_floor_{r}': round(s*rates[r]/epoch, 2) for r in ('peak', 'mm', 'shapes')},
                 spread=round((max(times[name])-min(times[name]))/s, 2))
            for name, s in t.items() if 'products' not in name and 'evaluate' not in name]
    x = {r['variant']: r['x_floor_peak'] for r in rows}
    reached = dict(zip(TARGETS, (x['train autograd, SGD'], x['train fast, built-in SGD'], round(t['evaluate, 10 000 images'], 4)), strict=True))
    return dict(workload=dict(sizes=SIZES, batch=BATCH, images=IMAGES, flops_per_step=step),
                machine=dict(cpu=cpu_name(), capability=torch.backends.cpu.get_cpu_capability(), threads=torch.get_num_threads(),
                             torch=torch.__version__, python=platform.python_version(), system=platform.system()),
                gflops={k: round(v/1e9, 1) for k, v in rates.items()}, rows=rows,
                targets={k: dict(target=v, reached=reached[k], met=reached[k] <= v) for k, v in TARGETS.items()})


def show(r):
    m = r['machine']
    print(f'{m["cpu"]}, {m["capability"]}, {m["threads"]} thread, torch {m["torch"]}')
    print('GFLOP/s: ' + ', '.join(f'{k} {v}' for k, v in r['gflops'].items()))
    print(f'\n{"variant":36}{"samples/CPU s":>14}{"µs/step":>9}{"× loader":>9}{"× floor: peak":>15}{"mm":>7}{"shapes":>8}{"spread":>8}')
    for w in r['rows']:
        print(f'{w["variant"]:36}{w["samples_per_cpu_s"]:14,}{w["us_per_step"]:9.0f}{w["speed_vs_dataloader"]:9.2f}'
              f'{w["x_floor_peak"]:15.2f}{w["x_floor_mm"]:7.2f}{w["x_floor_shapes"]:8.2f}{w["spread"]:8.2f}')
    print()
    for name, t in r['targets'].items(): print(f'{"met   " if t["met"] else "MISSED"} {name}: {t["reached"]} (at most {t["target"]})')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=9, help='how often each variant is timed (default 9)')
    parser.add_argument('--json', metavar='FILE', help='write the report here too')
    parser.add_argument('--check', action='store_true', help='exit with 1 when a target is missed')
    args = parser.parse_args()
    r = report(measure(args.rounds))
    show(r)
    if args.json:
        with open(args.json, 'w') as f: json.dump(r, f, indent=1)
    if args.check and not all(t['met'] for t in r['targets'].values()): sys.exit(1)


if __name__ == '__main__': main()
