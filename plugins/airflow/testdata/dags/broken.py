"""A file of Airflow that cannot be imported: its DAGs are not listed."""

import a_module_that_is_not_there  # noqa: F401
