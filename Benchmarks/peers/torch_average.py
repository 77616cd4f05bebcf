"""The mean of models in PyTorch as scripts usually compute it."""


def average_of(models):
    """One model of the means of the models' tensors, in the dtypes of the first."""
    average = {}
    for name, first in models[0].items():
        total = first.float()
        for model in models[1:]:
            total = total + model[name].float()
        average[name] = (total / len(models)).to(first.dtype)
    return average
