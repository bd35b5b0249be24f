"""All errors of the model room. A caller branches on the type, never on the text.

ModelError
├── ManifestError       the list of models is invalid, or does not contain the name
│   └── CohortError     a site's cohort cannot be read, or belongs to another model
├── ModelMissingError   the file is missing: fetch it
├── ModelCorruptError   the file is not the pinned one: fetch it again
├── ModelFetchError     the package client could not be run, or gave the wrong file
├── ProviderNotAcceptedError  an accelerator that is not proved on this machine
├── ModelRuntimeError   the inference library refuses the model, the provider or the input
└── ModelDriftError     the model ran and gave other numbers than it must
"""


class ModelError(Exception):
    """Any failure of a model, its file or its run."""


class ManifestError(ModelError):
    """The list of models is invalid, or does not contain the name."""


class CohortError(ManifestError):
    """A site's cohort cannot be read, is invalid, or belongs to another model."""


class ModelMissingError(ModelError):
    """The model's file is not in the folder."""


class ModelCorruptError(ModelError):
    """The model's file is not the pinned one."""


class ModelFetchError(ModelError):
    """The package client could not be run, or gave the wrong file."""


class ProviderNotAcceptedError(ModelError):
    """An accelerator that is not proved on this machine, or an invalid record of such proofs."""


class ModelRuntimeError(ModelError):
    """The inference library refuses the model, the provider or the input."""


class ModelDriftError(ModelError):
    """The model ran and gave other numbers than it must."""
