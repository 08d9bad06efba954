from datetime import timedelta

import pytest
from moto import mock_aws
from report import BUCKET, QUEUE, TABLE, dynamodb, handler, s3, sqs

pytestmark = pytest.mark.durable_execution(handler=handler, lambda_function_name="report")

MONTH = "2026-10"


@pytest.fixture
def aws(durable_runner):
    """What the function works with: moto's in the simulator, and what is deployed in the cloud."""
    if durable_runner.mode == "cloud":
        yield
    else:
        with mock_aws():
            deploy()
            yield


def deploy():
    """Create the table, the bucket and the queue, and sell something."""
    s3.create_bucket(Bucket=BUCKET)
    sqs.create_queue(QueueName=QUEUE, Attributes={"FifoQueue": "true"})
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": "sold_in", "KeyType": "HASH"},
            {"AttributeName": "id", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "sold_in", "AttributeType": "S"},
            {"AttributeName": "id", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for order_id, amount in {"o-1": "40", "o-2": "2"}.items():
        sale = {"sold_in": {"S": MONTH}, "id": {"S": order_id}, "amount": {"N": amount}}
        dynamodb.put_item(TableName=TABLE, Item=sale)


def messages():
    """Take what is in the queue."""
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in received:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in received]


def test_reports_what_was_sold(durable_runner, aws):
    result = durable_runner.run(input={"month": MONTH})

    assert result.value == {"report": "2026-10.txt", "total": 42}
    assert result.virtual_elapsed >= timedelta(seconds=30)
    stored = s3.get_object(Bucket=BUCKET, Key="2026-10.txt")
    assert stored["Body"].read() == b"Sold in 2026-10: 42"
    assert messages() == ["2026-10.txt"]


@pytest.mark.durable_explore(crashes="all", interleavings=0)
def test_announces_a_report_once_whatever_crashes(durable_runner, aws):
    durable_runner.run(input={"month": MONTH})
    assert messages() == ["2026-10.txt"]
