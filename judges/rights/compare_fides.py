"""Access and erasure of one person after another with `ethyca-fides` (PyPI), in the rows that bin/bench_rights.py makes: for
comparison only. It needs a PostgreSQL with two databases on 127.0.0.1 (fides' own, and the one with the rows), a Redis, and
fides' settings in the environment: FIDES__DATABASE__SERVER, _PORT, _USER, _PASSWORD, _DB and _TEST_DB, FIDES__REDIS__HOST, _PORT
and _PASSWORD, FIDES__SECURITY__APP_ENCRYPTION_KEY, _OAUTH_ROOT_CLIENT_ID and _OAUTH_ROOT_CLIENT_SECRET.

    python compare_fides.py migrate
    python compare_fides.py DATABASE PERSON…        prints rows and seconds of each

The requests run in one process, without fides' web server and workers: its task functions are called one after another, as its
own sequential runner does. What they return is taken where they return it, because that runner keeps it in a place that
this version no longer fills.
"""

import ast
import os
import pathlib
import sys
import time
import uuid

import fides.api.db.base  # noqa: F401, the models refer to each other
from fides.api.db.database import migrate_db
from fides.api.db.seed import load_default_organization, load_default_taxonomy
from fides.api.db.session import get_db_engine, get_db_session
from fides.api.graph.graph import DatasetGraph
from fides.api.models.connectionconfig import AccessLevel, ConnectionConfig, ConnectionType
from fides.api.models.datasetconfig import convert_dataset_to_graph
from fides.api.models.policy import Policy, Rule, RuleTarget
from fides.api.models.privacy_request import PrivacyRequest
from fides.api.task.deprecated_graph_task import run_access_request_deprecated, run_erasure_request_deprecated
from fides.api.task.graph_task import GraphTask
from fides.config import get_config
from fideslang.models import Dataset

CONFIG = get_config()
KEY = f"bench_{uuid.uuid4().hex[:6]}"


def tables():
    source = (pathlib.Path(__file__).parents[2] / "bin" / "bench_rights.py").read_text()
    return ast.literal_eval(source.partition("NAMES = ")[2].partition("]")[0] + "]")


def field(name, category, **meta):
    return {"name": name, "data_categories": [category], "fides_meta": meta or None}


def dataset():
    refers = lambda to: [{"dataset": KEY, "field": to, "direction": "from"}]
    key = field("id", "system.operations", primary_key=True)
    body = field("body", "user.content", data_type="string")
    users = [field("id", "user.unique_id", primary_key=True), field("email", "user.contact.email", identity="email", data_type="string"),
             field("full_name", "user.name")]
    collections = [{"name": "users", "fields": users}]
    collections += [{"name": name, "fields": [key, field("user_id", "user.unique_id", references=refers("users.id")), body]} for name in tables()]
    order = field("order_id", "system.operations", primary_key=True, references=refers("orders.id"))
    collections.append({"name": "order_item", "fields": [order, field("line", "system.operations", primary_key=True), body]})
    return Dataset(fides_key=KEY, name=KEY, description="the rows of bin/bench_rights.py", collections=collections)


def policy(db, kind, categories, mask=None):
    made = Policy.create(db=db, data={"name": KEY + kind, "key": KEY + kind})
    rule = Rule.create(db=db, data={"action_type": kind, "name": KEY + kind, "key": KEY + kind, "policy_id": made.id} | ({"masking_strategy": mask} if mask else {}))
    for category in categories:
        name = f"{KEY}{kind}{category}".replace(".", "_")
        RuleTarget.create(db=db, data={"data_category": category, "rule_id": rule.id, "name": name, "key": name})
    return made


def request(db, of):
    return PrivacyRequest.create(db=db, data={"external_id": uuid.uuid4().hex, "requested_at": None, "status": "in_processing", "policy_id": of.id})


def overheard(name):
    """What each task of that kind returns, by table."""
    results, original = {}, getattr(GraphTask, name)

    def task(self, *arguments, **more):
        result = original(self, *arguments, **more)
        results[self.execution_node.address.value] = result
        return result
    setattr(GraphTask, name, task)
    return results


def main():
    if sys.argv[1:] == ["migrate"]:
        migrate_db(CONFIG.database.sync_database_uri)
        return
    database, people = sys.argv[1], sys.argv[2:]
    db = get_db_session(CONFIG, engine=get_db_engine(config=CONFIG))()
    load_default_organization(db)
    load_default_taxonomy(db)
    place = CONFIG.database
    secrets = {"host": place.server, "port": int(os.environ["FIDES__DATABASE__PORT"]), "username": place.user, "password": place.password, "dbname": database}
    connection = ConnectionConfig.create(db=db, data={"name": KEY, "key": KEY, "connection_type": ConnectionType.postgres, "access": AccessLevel.write, "secrets": secrets})
    graph = DatasetGraph(convert_dataset_to_graph(dataset(), KEY))
    access = policy(db, "access", ["user"])
    erasure = policy(db, "erasure", ["user.content", "user.name"], {"strategy": "string_rewrite", "configuration": {"rewrite_value": "MASKED"}})
    found, masked = overheard("access_request"), overheard("erasure_request")
    for person in people:
        common = {"graph": graph, "connection_configs": [connection], "identity": {"email": f"person{person}@example.org"}, "session": db}
        begin = time.monotonic()
        run_access_request_deprecated(privacy_request=request(db, access), policy=access, **common)
        first = time.monotonic()
        second = request(db, erasure)
        run_access_request_deprecated(privacy_request=second, policy=erasure, **common)
        run_erasure_request_deprecated(privacy_request=second, policy=erasure, access_request_data=dict(found), **common)
        end = time.monotonic()
        print(f"{sum(map(len, found.values()))} rows in {first - begin:.2f} s; {sum(masked.values())} masked in {end - first:.2f} s", flush=True)


main()
