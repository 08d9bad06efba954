import time

import pytest
from invoices import handler

CUSTOMERS = [
    {"name": "Ada", "total": 120},
    {"name": "Grace", "total": 80},
    {"name": "Mallory", "total": -5},
    {"name": "Linus", "total": 310},
]


def render(event: dict, context: object) -> str:
    """Stands for the function that makes documents: an ordinary one, which takes two seconds."""
    time.sleep(2)
    if event["total"] < 0:
        raise ValueError("an invoice has no negative total")
    return f"invoice-{event['name'].lower()}.pdf"


@pytest.mark.durable_execution(handler=handler, functions={"render-invoice:live": render})
def test_bills_everybody_whose_document_can_be_made(durable_runner):
    result = durable_runner.run(input={"customers": CUSTOMERS})
    assert result.value == {"sent": 3, "failed": {"Mallory": "an invoice has no negative total"}}
    assert result.operation("invoices/Linus/send").value == "sent invoice-linus.pdf to Linus"
    assert result.operation("invoices/Mallory/render").status == "FAILED"


@pytest.mark.durable_execution(handler=handler)
def test_sends_again_when_the_mail_system_is_down(durable_runner):
    renderer = durable_runner.on_invoke("render-invoice:live").returns("a.pdf").then.returns("b.pdf")
    durable_runner.on_step("Ada/send").raises(ConnectionError("mail is down")).then.calls_real()

    result = durable_runner.run(input={"customers": CUSTOMERS[:2]})

    assert result.value == {"sent": 2, "failed": {}}
    assert renderer.calls == CUSTOMERS[:2]
    assert result.operation("invoices/Ada/send").attempt == 2
    assert result.operation("invoices/Grace/send").value == "sent b.pdf to Grace"
