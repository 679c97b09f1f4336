"""The device to compute on, and the precision that goes with it."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from transfermodel_predictor.configuration import offers_gpu

from transfermodel_trainer import machine


@dataclass(frozen=True)
class Device:
    """Where tensors live."""

    torch: torch.device
    name: str
    """cpu, or cuda with the device's name: what the result says."""
    warning: str | None = None

    @property
    def cuda(self) -> bool:
        """Tell whether it is a GPU."""
        return self.torch.type == "cuda"

    def hold(self, rows: Tensor) -> Tensor:
        """Return the data on the device, unless it took more than half of the memory that is free there."""
        if not self.cuda:
            return rows
        free, _ = torch.cuda.mem_get_info(self.torch)
        return rows.to(self.torch) if rows.nbytes <= free // 2 else rows

    @contextlib.contextmanager
    def autocast(self) -> Iterator[None]:
        """Compute in bfloat16 on a GPU; the CPU keeps float32, which is faster and exact there."""
        if not self.cuda:
            yield
            return
        with torch.autocast("cuda", dtype=torch.bfloat16):
            yield


def gpu_asked_for(gpus: int) -> bool:
    """Tell whether the pod was to have a GPU, by the request or by what the device plugin set."""
    return gpus > 0 or offers_gpu(os.environ)


def choose_device(gpus: int) -> Device:
    """Return CUDA when it is there, else the CPU with as many threads as the container may use."""
    torch.set_num_threads(machine.threads())
    if torch.cuda.is_available():
        torch.backends.cuda.matmul.allow_tf32 = True
        # The same seed is to give the same model: no kernel is chosen by measuring, or sums in an order of its own.
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        return Device(torch.device("cuda"), f"cuda ({torch.cuda.get_device_name()})")
    warning = None
    if gpu_asked_for(gpus):
        warning = "A GPU was asked for but CUDA is not available: training on the CPU."
    return Device(torch.device("cpu"), "cpu", warning)
