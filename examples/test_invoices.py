import pytest
from invoices import handler, render

CUSTOMERS = [
    {"name": "Ada", "total": 120},
    {"name": "Grace", "total": 80},
    {"name": "Mallory", "total": -5},
    {"name": "Linus", "total": 310},
]


@pytest.mark.durable_execution(
    handler=handler, lambda_function_name="invoices", functions={"render-invoice:live": render}
)
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
