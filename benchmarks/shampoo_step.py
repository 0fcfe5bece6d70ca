#!/usr/bin/env python3
"""What does a step of Shampoo cost? CPU seconds at one thread, against the matrix products that it can't do without.

    python benchmarks/shampoo_step.py [--rounds 5] [--json FILE] [--quick] [--peers] [--check] [--only PART ...]

Parts:
  step     two models, (a) an MLP 784-1000-1000-10 and (b) a transformer of 4 layers, d 256, ffn 1024, vocab 512, at blocks of 1024 and 256,
           with new roots every 10 steps. The gradients are real: 8 batches of MNIST or of text, after 20 steps of AdamW, fed in turn.
           All variants and the rates take turns within one process, round after round; medians over the rounds are reported.
  kernels  operations dispatched in a step between two refreshes, for 2, 4 and 8 equal layers.
  roots    error of A^(-1/4) of each solver against float64 with the true spectrum, and its cost in products of its size.
  loss     where the CPU multiplies bfloat16 in hardware: the loss of the MLP after training, against float32, with the same seeds.

The floor is the time of the step's products alone: 4mn(m + n) FLOPs a block of m × n, half for the statistics GGᵀ and GᵀG, half for
L^(-1/4) M R^(-1/4), ÷ a rate measured in the same rounds. It holds neither the roots nor anything element by element.
There are two rates of a square float32 product of 1024:
  mm      by torch.mm. The targets are judged on this one.
  oneDNN  by the operation behind a fused nn.Linear, if there is one. Where BLAS leaves half of the CPU unused
          (MKL on AMD has no AVX-512), this floor is the harder one; it is reported beside the other.
"""
import argparse
import json
import math
import os
import platform
import sys
import time
from collections import Counter
from copy import deepcopy
from functools import partial
from statistics import mean, median, stdev

os.environ.update(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1')      # before torch is imported

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from optbias.core import generator, relative_error
from optbias.data import load
from optbias.matrix_power import SOLVERS, matrix_power
from optbias.models import MLP
from optbias.shampoo import Shampoo, as_matrix, regions

torch.set_num_threads(1)
PARTS = ('step', 'kernels', 'roots', 'loss')
SIZES, BLOCKS, REFRESH, PLAIN, BATCHES, N = (784, 1000, 1000, 10), (1024, 256), 10, 4, 8, 1024
NEVER = 10**9                                                    # a refresh that comes only at the first step
TARGETS = {'Shampoo 1024': 1.5, 'Shampoo 256': 2.2, 'Shampoo 1024 bf16': 1.1}       # × floor (mm), amortised
STATE_TARGET = 5                                                 # × the parameters' bytes, block 256
ROOT_TARGETS = {'auto': 1e-3, 'eigh64': 3e-4, 'eigh64, A in float64': 3e-4}        # relative error, all sizes and conditions


# Models and their gradients

class Transformer(nn.Module):
    "An encoder that sees only the past, with its own matrix for the embedding and for the output."
    def __init__(self, layers=4, d=256, ffn=1024, vocab=512, heads=4):
        super().__init__()
        self.embed, self.head = nn.Embedding(vocab, d), nn.Linear(d, vocab, bias=False)
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(d, heads, ffn, dropout=0., batch_first=True, norm_first=True) for _ in range(layers))

    def forward(self, x):
        mask, h = nn.Transformer.generate_square_subsequent_mask(x.shape[1]), self.embed(x)
        for layer in self.layers: h = layer(h, src_mask=mask)
        return self.head(h)


def tokens(vocab=512):
    "The text of a module of Python's library: its bytes, and as many of its most frequent pairs of bytes as there is room for."
    with open(argparse.__file__, 'rb') as f: text = f.read()
    frequent = Counter(zip(text, text[1:])).most_common(vocab-256)
    pairs, out, i = {pair: 256+k for k, (pair, _) in enumerate(frequent)}, [], 0
    while i < len(text)-1:
        t = pairs.get((text[i], text[i+1]))
        out.append(text[i] if t is None else t)
        i += 1 if t is None else 2
    return torch.tensor(out)


def pictures(n):
    "Batches of 128 images and their labels."
    data, g = load('mnist', n=6000), generator(0, 'rows')
    for _ in range(n):
        rows = torch.randint(len(data.x), (128,), generator=g)
        yield data.x[rows], data.y[rows]


def sentences(n):
    "Batches of 16 pieces of 64 tokens, and the token after each."
    text, g = tokens(), generator(0, 'rows')
    for _ in range(n):
        at = torch.randint(len(text)-65, (16, 1), generator=g) + torch.arange(65)
        yield text[at[:, :-1]], text[at[:, 1:]]


def gradients(model, batches, before=20):
    "Gradients at the points of a short training, without those of its first steps."
    optimizer, out = torch.optim.AdamW(model.parameters(), lr=1e-3), []
    for x, y in batches(before+BATCHES):
        optimizer.zero_grad()
        F.cross_entropy(model(x).flatten(0, -2), y.flatten()).backward()
        out.append([p.grad.clone() for p in model.parameters()])
        optimizer.step()
    optimizer.zero_grad()
    return out[before:]


def workloads():
    "name → (model, gradients)."
    out = {}
    for name, make, batches in (('MLP', partial(MLP, SIZES), pictures), ('transformer', Transformer, sentences)):
        torch.manual_seed(0)
        model = make()
        out[name] = model, gradients(model, batches)
    return out


def flops(model, block):
    "FLOPs of the statistics and the preconditioning of one step."
    shapes = [mn for p in model.parameters() if (mn := as_matrix(p.shape))]
    return sum(4*r.down*r.across*r.height*r.width*(r.height+r.width) for m, n in shapes for r in regions(m, n, block))


# Optimizers

def bf16_hardware():
    "Does the CPU multiply bfloat16 by itself, and with what?"
    names = {'amx_tile': '_is_amx_tile_supported', 'avx512_bf16': '_is_avx512_bf16_supported'}
    return [k for k, f in names.items() if getattr(torch.cpu, f, lambda: False)()]


def muon(model):
    "Muon for the matrices between the first and the last layer, AdamW for the rest; an MLP's first matrix is for Muon too."
    rest = {id(p) for m in model.modules() if isinstance(m, nn.Embedding) for p in m.parameters()}
    rest.add(id([p for p in model.parameters() if p.ndim == 2][-1] if isinstance(model, MLP) else model.head.weight))
    hidden = [p for p in model.parameters() if p.ndim == 2 and id(p) not in rest]
    kept = {id(p) for p in hidden}
    return [torch.optim.Muon(hidden), torch.optim.AdamW([p for p in model.parameters() if id(p) not in kept], fused=True)]


def ours(refresh, model, **options): return [Shampoo(model.parameters(), refresh=refresh, **options)]

def of_torch(name, model, **options): return [getattr(torch.optim, name)(model.parameters(), lr=1e-3, **options)]

def variants():
    "name → function of a model that makes its optimizers."
    out = {'Adam': partial(of_torch, 'Adam'), 'AdamW fused': partial(of_torch, 'AdamW', fused=True)}
    if hasattr(torch.optim, 'Muon'): out['Muon + AdamW'] = muon
    for dtype in [None] + [torch.bfloat16]*bool(bf16_hardware()):
        for block in BLOCKS:
            name = f'Shampoo {block}' + ' bf16'*bool(dtype)
            for suffix, refresh in (('', REFRESH), (', no refresh', NEVER)):
                out[name+suffix] = partial(ours, refresh, block_size=block, precondition_dtype=dtype)
    return out


def peers():
    "The same of other packages, where they are installed, and notes on those which are not."
    out, notes = {}, []
    try:
        import pytorch_optimizer as po
        def p(name, **options): return lambda model: [getattr(po, name)(model.parameters(), lr=1e-3, **options)]
        out['pytorch_optimizer Shampoo'] = p('Shampoo', preconditioning_compute_steps=REFRESH)
        for block in BLOCKS:
            out[f'pytorch_optimizer ScalableShampoo {block}'] = p('ScalableShampoo', block_size=block, start_preconditioning_step=1,
                                                                  preconditioning_compute_steps=REFRESH)
        out['pytorch_optimizer SOAP'] = p('SOAP', precondition_frequency=REFRESH)
    except ImportError as e: notes.append(f'pytorch_optimizer: not here ({e})')
    try:
        import heavyball
        import heavyball.utils
        heavyball.utils.compile_mode = None                      # compiling for the CPU takes minutes
        def h(name, **options): return lambda model: [getattr(heavyball, name)(model.parameters(), lr=1e-3, **options)]
        out['heavyball SOAP, not compiled'] = h('SOAP', precondition_frequency=REFRESH, use_precond_schedule=False)
        out['heavyball KLShampoo, not compiled'] = h('KLShampoo', precondition_frequency=REFRESH, use_precond_schedule=False)
    except ImportError as e: notes.append(f'heavyball: not here ({e})')
    return out, notes


# Steps

def cpu_seconds(f):
    start = time.process_time()
    f()
    return time.process_time()-start


def oneDNN(A, B): return torch.ops.mkldnn._linear_pointwise(A, B, None, 'none', [], '')

def products():
    "name → a product of `N`, 3 times in a row."
    A, B = torch.randn(N, N), torch.randn(N, N)
    a, b, S = A.bfloat16(), B.bfloat16(), torch.randn(64, 256, 256)
    out = {'mm': lambda: torch.mm(A, B), 'oneDNN': lambda: oneDNN(A, B), 'bmm of 64 × 256': lambda: torch.bmm(S, S), 'bf16 mm': lambda: torch.mm(a, b)}
    if not bf16_hardware(): del out['bf16 mm']
    try: oneDNN(A, B)
    except (AttributeError, RuntimeError, NotImplementedError): del out['oneDNN']
    return {k: lambda f=f: [f() for _ in range(3)] for k, f in out.items()}


def run(model, grads, optimizers, steps, start):
    "CPU seconds of each of some steps; giving the gradients is not counted."
    out = []
    for i in range(start, start+steps):
        for p, g in zip(model.parameters(), grads[i%len(grads)], strict=True): p.grad = g.clone()
        out.append(cpu_seconds(lambda: [o.step() for o in optimizers]))
    return out


def reachable(x, seen, out):
    "Bytes of every storage behind x, by address."
    if id(x) in seen or isinstance(x, (type, str, bytes, int, float)) or callable(x): return
    seen.add(id(x))
    if isinstance(x, torch.Tensor): out[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
    elif isinstance(x, dict):
        for v in x.values(): reachable(v, seen, out)
    elif isinstance(x, (list, tuple, set)):
        for v in x: reachable(v, seen, out)
    elif hasattr(x, '__dict__'): reachable(vars(x), seen, out)


def state_ratio(model, optimizers):
    "Bytes that the optimizers keep between steps, caches included, ÷ bytes of the parameters."
    out, seen, params = {}, set(), list(model.parameters())
    for o in optimizers:
        reachable(dict(o.state), seen, out)
        reachable({k: v for k, v in vars(o).items() if k != 'param_groups'}, seen, out)
    for p in params:
        for t in (p, p.grad):
            if t is not None: out.pop(t.untyped_storage().data_ptr(), None)
    return sum(out.values()) / sum(p.numel()*p.element_size() for p in params)


def measure(rounds, with_peers):
    "Seconds of each step of each round, state and notes."
    jobs, times, state, notes = {}, {}, {}, []
    makers = variants()
    if with_peers:
        more, notes = peers()
        makers.update(more)
    models = workloads()
    for where, (model, grads) in models.items():
        for name, make in makers.items():
            m = deepcopy(model)
            try: jobs[where, name] = m, grads, make(m)
            except Exception as e: notes.append(f'{name}, {where}: {type(e).__name__}: {e}')
    rates = {k: [] for k in products()}
    for i in range(rounds+1):                                    # the first round warms up, and is dropped
        for name, job in products().items(): rates[name].append(cpu_seconds(job))
        for key, job in list(jobs.items()):
            steps = PLAIN if 'no refresh' in key[1] else REFRESH
            if key[1].startswith('Muon') and not bf16_hardware():      # its bfloat16 products run at 1 or 2 GFLOP/s there: one step in all
                if i != 1: continue
                steps = 1
            try: s = run(*job, steps, i*steps)
            except Exception as e:                               # a peer's fault must not end the run; ours must
                if key[1].startswith('Shampoo '): raise
                notes.append(f'{key[1]}, {key[0]}: {type(e).__name__}: {str(e).splitlines()[0]}')
                del jobs[key]
                continue
            if i: times.setdefault(key, []).append(s)
    if not bf16_hardware(): notes.append('Muon computes in bfloat16, which this CPU does by software: timed in one step only')
    for (where, name), (model, _, optimizers) in jobs.items(): state[where, name] = state_ratio(model, optimizers)
    gflop = {w: {b: flops(model, b)/1e9 for b in BLOCKS} for w, (model, _) in models.items()}
    count = {w: sum(p.numel() for p in model.parameters()) for w, (model, _) in models.items()}
    return times, {k: s[1:] for k, s in rates.items()}, state, gflop, count, notes


def block_of(name):
    "The block whose floor a variant is compared with: its own, or the largest where it has none."
    return next((b for b in BLOCKS if str(b) in name.split()), BLOCKS[0])


def steps_report(rounds, with_peers):
    "Rates, one row a variant and model, and the targets."
    times, products_s, state, gflop, count, notes = measure(rounds, with_peers)
    work = {k: 3*2*N**3 for k in products_s} | {'bmm of 64 × 256': 3*64*2*256**3}
    rates = {k: work[k]/median(s)/1e9 for k, s in products_s.items()}
    rows = []
    for (where, name), steps in times.items():
        if 'no refresh' in name: continue
        periods = [sum(s)/len(s) for s in steps]                 # a step's mean, by round
        t, floor = median(periods), gflop[where][block_of(name)]
        plain = times.get((where, name+', no refresh'))
        p = median(s for r in plain for s in r) if plain else None
        adamw = median(sum(s)/len(s) for s in times[where, 'AdamW fused'])
        shampoo = 'hampoo' in name or 'SOAP' in name
        rows.append(dict(model=where, variant=name, ms=t*1e3, plain_ms=p and p*1e3, refresh_ms=p and REFRESH*(t-p)*1e3,
                         dearest_ms=median(max(s) for s in steps)*1e3, x_floor=shampoo and t*rates['mm']/floor or None,
                         plain_x_floor=p and p*rates['mm']/floor, x_floor_onednn=shampoo and 'oneDNN' in rates and t*rates['oneDNN']/floor or None,
                         x_adamw=t/adamw, state=state[where, name], spread=(max(periods)-min(periods))/t))
    targets = []
    for r in rows:
        if r['variant'] in TARGETS: targets.append((f'{r["variant"]}, {r["model"]}: step ÷ floor', r['x_floor'], TARGETS[r['variant']]))
        if r['variant'] == 'Shampoo 256': targets.append((f'{r["variant"]}, {r["model"]}: state ÷ parameters', r['state'], STATE_TARGET))
    return dict(gflops=rates, gflop_per_step=gflop, parameters=count, rows=rows, notes=notes, targets=targets)


# Kernels

NO_KERNEL = {torch.ops.aten.detach.default, torch.ops.aten.lift_fresh.default, torch.ops.aten._unsafe_view.default,
             torch.ops.aten.empty.memory_format, torch.ops.aten.empty_like.default, torch.ops.aten.empty_strided.default,
             torch.ops.aten.new_empty.default}

class Count(TorchDispatchMode):
    "Operations by name, views and allocations left out; those on single numbers only, such as counters of steps, apart. A foreach operation counts once."
    def __init__(self):
        super().__init__()
        self.kernels, self.scalars = Counter(), Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if not func.is_view and func not in NO_KERNEL:
            tensors = [x for x in tree_leaves((args, kwargs, out)) if isinstance(x, torch.Tensor)]
            (self.kernels if any(x.ndim for x in tensors) else self.scalars)[str(func)] += 1
        return out


def stack_of(layers): return nn.Sequential(*[nn.Linear(96, 96) for _ in range(layers)])

def small_transformer(layers): return Transformer(layers, d=64, ffn=256, vocab=128)

def shapes(model, block):
    "How many kinds of blocks a model has."
    return len({(r.height, r.width) for p in model.parameters() if (mn := as_matrix(p.shape)) for r in regions(*mn, block)})


def kernels_report():
    "Operations of the fourth step, with roots from the first only."
    makers = {'Shampoo': partial(ours, NEVER, block_size=64), 'AdamW fused': partial(of_torch, 'AdamW', fused=True),
              'AdamW foreach': partial(of_torch, 'AdamW', foreach=True), 'Adam, a loop': partial(of_torch, 'Adam', foreach=False)}
    rows = []
    for model_name, build in (('linear 96 × 96', stack_of), ('transformer', small_transformer)):
        for name, make in makers.items():
            for layers in (2, 4, 8):
                torch.manual_seed(0)
                model, counter = build(layers), Count()
                optimizers = make(model)
                for i in range(4):
                    for p in model.parameters(): p.grad = torch.randn_like(p)
                    if i < 3: [o.step() for o in optimizers]
                with counter: [o.step() for o in optimizers]
                rows.append(dict(model=model_name, variant=name, layers=layers, parameters=len(list(model.parameters())), block_shapes=shapes(model, 64),
                                 kernels=counter.kernels.total(), scalars=counter.scalars.total(), ops=dict(counter.kernels.most_common())))
    return dict(rows=rows)


# Roots

def spectrum(n, condition, seed=0):
    "A, and A^(-1/4) damped by 1e-6 of the largest eigenvalue, both in float64; eigenvalues log-uniform."
    g = generator(seed, 'spectrum', n)
    Q = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=g))[0]
    λ = 10**(-math.log10(condition)*torch.rand(n, dtype=torch.float64, generator=g))
    λ[0], λ[-1] = 1, 1/condition
    return (Q*λ)@Q.T, (Q*(λ+1e-6)**-.25)@Q.T


def roots_report(largest):
    "Error and cost of each solver. What rounding A to float32 has lost, no solver finds again: the last row has A in float64."
    rows, cases = [], {s: (s, torch.float32) for s in SOLVERS} | {'eigh64, A in float64': ('eigh64', torch.float64)}
    conditions = 1e6, 1e8, 1e10, 1e12
    for n in [n for n in (128, 256, 512, 1024) if n <= largest]:
        A, repeat = torch.randn(n, n), max(1, 1024//n)**2
        product = partial(lambda A, repeat: [torch.mm(A, A) for _ in range(repeat)], A, repeat)
        product()                                                # warms up
        gemm, errors, seconds = [], {k: [] for k in cases}, {k: [] for k in cases}
        for condition in conditions:
            A, true = spectrum(n, condition)
            gemm += [cpu_seconds(product)/repeat for _ in range(3)]
            for name, (solver, dtype) in cases.items():
                solve = partial(matrix_power, A.to(dtype), -1/4, solver=solver)
                seconds[name] += [cpu_seconds(solve) for _ in range(1 if n > 512 else 3)]
                errors[name].append(relative_error(solve().double(), true))
        for name in cases:
            rows.append(dict(n=n, solver=name, gemms=median(seconds[name])/median(gemm), ms=median(seconds[name])*1e3,
                             errors={f'{c:.0e}': e for c, e in zip(conditions, errors[name], strict=True)}))
    targets = [(f'error of A^(-1/4), {s}', max(e for r in rows if r['solver'] == s for e in r['errors'].values()), t) for s, t in ROOT_TARGETS.items()]
    return dict(rows=rows, targets=targets)


# Loss

def trained(seed, dtype, steps):
    "Loss on 6000 training images of an MLP 784-1000-1000-10 after some steps, at block 1024."
    torch.manual_seed(seed)
    data, model, g = load('mnist', n=6000), MLP(SIZES), generator(seed, 'rows')
    optimizer = Shampoo(model.parameters(), lr=1e-3, precondition_dtype=dtype)
    for _ in range(steps):
        rows = torch.randint(len(data.x), (128,), generator=g)
        optimizer.zero_grad()
        F.cross_entropy(model(data.x[rows]), data.y[rows]).backward()
        optimizer.step()
    with torch.no_grad(): return F.cross_entropy(model(data.x), data.y).item()


def loss_report(seeds, steps):
    "Losses with products in float32 and in bfloat16."
    if not bf16_hardware(): return dict(note='no bfloat16 in hardware: not measured')
    loss = {k: [trained(s, d, steps) for s in range(seeds)] for k, d in (('float32', None), ('bfloat16', torch.bfloat16))}
    d = [b-a for a, b in zip(loss['float32'], loss['bfloat16'], strict=True)]
    noise = stdev(loss['float32'])
    return dict(steps=steps, **loss, difference=mean(d), standard_error=stdev(d)/math.sqrt(seeds), noise=noise,
                targets=[('bf16: loss away from that of float32, ÷ its standard deviation over seeds', abs(mean(d))/noise, 1.)])


# Report

def cpu():
    "Maker, family and model of the processor."
    try:
        with open('/proc/cpuinfo') as f: facts = dict(map(str.strip, line.split(':', 1)) for line in f.read().split('\n\n')[0].splitlines() if ':' in line)
        return ' '.join(f'{name} {facts[key]}'.strip() for name, key in (('', 'model name'), ('family', 'cpu family'), ('model', 'model')))
    except (OSError, KeyError): return platform.processor() or platform.machine()


def number(x, digits=2): return '–' if x is None else f'{x:,.{digits}f}'

def show_steps(r):
    print('GFLOP/s: ' + ', '.join(f'{k} {v:.0f}' for k, v in r['gflops'].items()))
    for where, n in r['parameters'].items():
        print(f'\n{where}, {n/1e6:.2f} M parameters; ' + ', '.join(f'block {b}: {g:.1f} GFLOP a step' for b, g in r['gflop_per_step'][where].items()))
        print(f'{"variant":40}{"ms/step":>9}{"plain":>8}{"refresh":>9}{"dearest":>9}{"× floor":>9}{"plain":>7}{"oneDNN":>8}{"× AdamW":>9}{"state":>7}{"spread":>8}')
        for w in [w for w in r['rows'] if w['model'] == where]:
            print(f'{w["variant"]:40}{number(w["ms"], 1):>9}{number(w["plain_ms"], 1):>8}{number(w["refresh_ms"], 0):>9}{number(w["dearest_ms"], 0):>9}'
                  f'{number(w["x_floor"]):>9}{number(w["plain_x_floor"]):>7}{number(w["x_floor_onednn"]):>8}{number(w["x_adamw"], 1):>9}'
                  f'{number(w["state"], 1):>7}{number(w["spread"]):>8}')
    for note in r['notes']: print(note)


def show_kernels(r):
    print(f'\n{"kernels a step between refreshes":40}{"block shapes":>13}' + ''.join(f'{f"{n} layers":>10}' for n in (2, 4, 8)) + f'{"on single numbers":>19}')
    for model in dict.fromkeys(w['model'] for w in r['rows']):
        for name in dict.fromkeys(w['variant'] for w in r['rows']):
            ws = [w for w in r['rows'] if (w['model'], w['variant']) == (model, name)]
            print(f'{f"{model}, {name}":40}{ws[0]["block_shapes"]:13}' + ''.join(f'{w["kernels"]:10}' for w in ws)
                  + f'{", ".join(str(w["scalars"]) for w in ws):>19}')


def show_roots(r):
    conditions = list(r['rows'][0]['errors'])
    print(f'\n{"A^(-1/4)":8}  {"solver":22}{"GEMMs":>6}{"ms":>9}   error at condition' + ''.join(f'{c:>10}' for c in conditions))
    for w in r['rows']:
        print(f'{w["n"]:8}  {w["solver"]:22}{w["gemms"]:6.0f}{w["ms"]:9.1f}{"":21}' + ''.join(f'{e:10.0e}' for e in w['errors'].values()))


def show_loss(r):
    if 'note' in r: return print('\n' + r['note'])
    print(f'\nloss after {r["steps"]} steps: ' + '; '.join(f'{k} {mean(r[k]):.4f}' for k in ('float32', 'bfloat16'))
          + f'; difference {r["difference"]:+.4f} ± {r["standard_error"]:.4f}; standard deviation over seeds {r["noise"]:.4f}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=5, help='how many refresh periods of each variant are timed (default 5)')
    parser.add_argument('--json', metavar='FILE', help='write the report here too')
    parser.add_argument('--quick', action='store_true', help='one round, small roots, two short trainings: a look, not a measurement')
    parser.add_argument('--peers', action='store_true', help='time the optimizers of pytorch_optimizer and heavyball too')
    parser.add_argument('--check', action='store_true', help='exit with 1 when a target is missed')
    parser.add_argument('--only', nargs='+', choices=PARTS, default=PARTS, metavar='PART', help=f'of {", ".join(PARTS)} (default: all)')
    args = parser.parse_args()
    rounds = 1 if args.quick else max(1, args.rounds)
    make = dict(step=lambda: steps_report(rounds, args.peers), kernels=kernels_report,
                roots=lambda: roots_report(256 if args.quick else 1024), loss=lambda: loss_report(*((2, 10) if args.quick else (5, 60))))
    show = dict(step=show_steps, kernels=show_kernels, roots=show_roots, loss=show_loss)
    out = dict(machine=dict(cpu=cpu(), capability=torch.backends.cpu.get_cpu_capability(), bf16=bf16_hardware(), threads=torch.get_num_threads(),
                            torch=torch.__version__, python=platform.python_version(), system=platform.system()), rounds=rounds, quick=args.quick)
    m = out['machine']
    print(f'{m["cpu"]}, {m["capability"]}, bf16 by {", ".join(m["bf16"]) or "software"}, {m["threads"]} thread, torch {m["torch"]}')
    targets = []
    for part in args.only:
        out[part] = make[part]()
        show[part](out[part])
        targets += [dict(target=name, reached=x, at_most=t, met=x <= t) for name, x, t in out[part].pop('targets', [])]
    print()
    for t in targets: print(f'{"met   " if t["met"] else "MISSED"} {t["target"]}: {t["reached"]:.3g} (at most {t["at_most"]:g})')
    out['targets'] = targets
    if args.json:
        with open(args.json, 'w') as f: json.dump(out, f, indent=1)
    if args.check and not all(t['met'] for t in targets): sys.exit(1)


if __name__ == '__main__': main()
