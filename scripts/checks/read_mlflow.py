"""Prints what MLflow's own client finds in an experiment, as one JSON object a run.

Usage: MLFLOW_TRACKING_URI=… read_mlflow.py EXPERIMENT     needs mlflow (pip install mlflow)
"""

import json
import sys

import mlflow

mlflow.set_experiment(sys.argv[1])
client = mlflow.MlflowClient()
experiment = client.get_experiment_by_name(sys.argv[1])
for run in client.search_runs([experiment.experiment_id]):
    tables = json.loads(run.data.tags.get("mlflow.loggedArtifacts", "[]"))
    found = {
        "name": run.info.run_name,
        "status": run.info.status,
        "params": run.data.params,
        "metrics": {
            key: [[m.step, m.value] for m in client.get_metric_history(run.info.run_id, key)]
            for key in run.data.metrics
        },
        "tables": {
            item["path"]: mlflow.load_table(item["path"], run_ids=[run.info.run_id]).to_dict("split")
            for item in tables
        },
    }
    print(json.dumps(found))
