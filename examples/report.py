"""A monthly report: sales are read from DynamoDB, the report goes to S3, and a message about it to SQS."""

import boto3

from durable_sdk import DurableContext, StepContext, durable_execution, durable_step

TABLE, BUCKET, QUEUE = "sales", "sales-reports", "sales-reports.fifo"

dynamodb = boto3.client("dynamodb")
s3 = boto3.client("s3")
sqs = boto3.client("sqs")


@durable_step
def total_of(step_context: StepContext, month: str) -> int:
    """Add up what was sold in a month."""
    found = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="sold_in = :month",
        ExpressionAttributeValues={":month": {"S": month}},
        ConsistentRead=True,
    )
    return sum(int(sale["amount"]["N"]) for sale in found["Items"])


@durable_step
def store(step_context: StepContext, month: str, total: int) -> str:
    """Write the report, and return the key of its object: a second attempt overwrites the first."""
    key = f"{month}.txt"
    s3.put_object(Bucket=BUCKET, Key=key, Body=f"Sold in {month}: {total}".encode())
    return key


@durable_step
def announce(step_context: StepContext, key: str, execution_id: str) -> None:
    """Tell the subscribers once: of a second attempt's message the queue knows that it has it."""
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    sqs.send_message(
        QueueUrl=url, MessageBody=key, MessageGroupId="reports", MessageDeduplicationId=execution_id
    )


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    """Give the last sales half a minute to arrive, and report."""
    month = event["month"]
    context.wait(seconds=30, name="last sales")
    total = context.step(total_of(month))
    key = context.step(store(month, total))
    execution_id = context.execution_context.durable_execution_arn.rpartition("/")[2]
    context.step(announce(key, execution_id))
    return {"report": key, "total": total}
