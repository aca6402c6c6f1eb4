from ceas_ray.config.errors import SettingsError as SettingsError
from ceas_ray.reports.live_view import watch as watch
from ceas_ray.runs.python_run import Result as Result
from ceas_ray.runs.python_run import RunFailed as RunFailed
from ceas_ray.runs.python_run import run as run
from ceas_ray.runs.python_sweep import sweep as sweep

__version__: str
