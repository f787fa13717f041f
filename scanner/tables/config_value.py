"""The configuration of applications: what each environment's layers come to, key by key."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class ConfigEnvironment(Resource, title="An environment's configuration as a whole"):
    """uid `cfg:<environment>`. Made of layers, the base first; a later one overrides an earlier one."""

    layers: int | None = column("How many files it is made of.")
    is_complete: bool | None = column("Every layer could be read.")
    keys: int | None = column("Number of effective keys; not known while a layer is not.")
    variables: int | None = column("Number of different variables that it refers to.")
    variables_without_default: int | None = column("Those that must be set when it is deployed.")


class ConfigLayer(Child, title="A file that an environment's configuration is made of"):
    """Child of config_environment; the ordinal is its place, the base is 0."""

    path: str | None = column("The file, relative to tierwall.yaml.")
    is_read: bool | None = column("It is there and could be understood.")
    keys: int | None = column("Keys that it gives.")
    overrides: int | None = column("Keys of earlier layers that it gives another value; not known after an unread one.")


class ConfigValue(Resource, title="The effective value of a configuration key"):
    """uid `cfg:<environment>/<key>`; a key of an element of a list has the element's number. Dots in keys are `\\\\.`.

    A value that is no secret and of a kind that may be kept is in `value`; of the others only a keyed hash is kept, so
    that equality can be judged. What a variable decides when it is deployed is not known: NULL.
    """

    key_path: str | None = column("The whole key, its parts joined by dots.")
    key_name: str | None = column("Its last part.")
    value_type: str | None = column("text, number, boolean, null, list or mapping; the last two are empty ones.")
    kind: str | None = column("literal, reference (`${VAR}` decides), empty, or placeholder (such as changeme).")
    value: str | None = column("As text; '' if empty; NULL for a reference, and where only the hash is kept.")
    value_number: float | None = column("As a number; NULL where it is none or not known.")
    value_boolean: bool | None = column("As true or false; NULL where it is neither or not known.")
    value_hash: str | None = column("Keyed hash, where the value is not kept; '' otherwise.", hashed=True)
    expression: str | None = column("The reference as written, such as ${DB_HOST}; '' for the other kinds.")
    default_value: str | None = column("What holds where the variable is not set; '' if nothing.", hashed=True)
    is_secret: bool | None = column("Its name or its form says that it is a secret, or that it holds one.")
    secrets: int | None = column("How many secrets are written in it, a row each in config_secret.")
    layer: str | None = column("The file that gives the value, relative to tierwall.yaml.")
    is_overridden: bool | None = column("An earlier layer gives the key another value.")
    overridden_layer: str | None = column("The layer whose value it replaces; '' if none.")
    overridden_value: str | None = column("The value it replaces; '' if none, else like `value`.", hashed=True)
    overridden_number: float | None = column("The value it replaces as a number; NULL where there is none.")


class ConfigSecret(Child, title="A secret that is written in a configuration value"):
    """Child of config_value. The value is the secret, or holds it, as a URL does a password."""

    token: str | None = column("Its keyed hash: the same for the same secret, whatever stands around it.", hashed=True)


class ConfigVariable(Child, title="A variable that a configuration value refers to"):
    """Child of config_value."""

    variable: str | None = column("Its name.")
    has_default: bool | None = column("A value holds where it is not set.")
