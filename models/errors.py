"""Everything the model room may raise. A caller branches on the type, never on the text.

ModelError
├── ManifestError       the list of models is wrong, or does not know the name
│   └── CohortError     a site's cohort cannot be read, or belongs to another model
├── ModelMissingError   the file is not there: fetch it
├── ModelCorruptError   the file is not the one that was pinned: fetch it again
├── ModelFetchError     the package client could not be run, or gave the wrong thing
├── ProviderNotAcceptedError  an accelerator that has not proved itself on this machine
├── ModelRuntimeError   the inference library refuses the model, the provider or the input
└── ModelDriftError     the model ran and gave other numbers than it must
"""


class ModelError(Exception):
    """Any failure of a model, its file or its run."""


class ManifestError(ModelError):
    """The list of models is wrong, or does not know the name."""


class CohortError(ManifestError):
    """A site's cohort cannot be read, is none, or belongs to another model."""


class ModelMissingError(ModelError):
    """The model's file is not in the folder."""


class ModelCorruptError(ModelError):
    """The model's file is not the one that was pinned."""


class ModelFetchError(ModelError):
    """The package client could not be run, or gave the wrong thing."""


class ProviderNotAcceptedError(ModelError):
    """An accelerator that has not proved itself on this machine, or a record of such proofs that is none."""


class ModelRuntimeError(ModelError):
    """The inference library refuses the model, the provider or the input."""


class ModelDriftError(ModelError):
    """The model ran and gave other numbers than it must."""
