from snakepit import count, span, tool


@tool
def answer(question: str) -> str:
    with span("retrieve", top=3) as retrieving:
        passages = [word for word in ("because", "it", "is") if word != question]
        retrieving.set("found", len(passages))
        count("passages.read", len(passages))
    with span("generate"):
        return " ".join(passages)
