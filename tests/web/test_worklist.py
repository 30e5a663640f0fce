"""The worklist in a browser: order, filters, keys, live changes, thousands of lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from medlens.client import Client
from tests.serve.running import Running
from tests.web.studies import NOT_SEEN, chest, ct_series, send, wait_for_end

LINE = "[role=row][id]"
SELECTED = f"{LINE}[aria-selected=true]"


@pytest.fixture(scope="module")
def studies(service: Running) -> dict[str, int]:
    """One of each: something found, nothing found, refused."""
    url = service.url
    numbers = {
        "found": send(
            url,
            [
                chest(
                    101,
                    PatientName="Wang^XiaoDong=王^小东",
                    StudyDate="20260302",
                    StudyTime="093015",
                )
            ],
        )[0],
        "nothing": send(url, [chest(102, level=NOT_SEEN, PatientName="Doe^Jane")])[0],
        "refused": send(url, ct_series(103, slices=3, PatientName="Roe^Richard"))[0],
    }
    ends = {name: wait_for_end(url, number) for name, number in numbers.items()}
    assert ends == {"found": "answered", "nothing": "answered", "refused": "refused"}
    return numbers


@pytest.fixture
def worklist(page: Any, studies: dict[str, int]) -> Any:
    """The page with its lines."""
    page.goto("/")
    page.wait_for_selector(f"{LINE} >> nth={len(studies) - 1}")
    return page


def wait_for_one(page: Any) -> None:
    """Until one line is left, by a selector: the policy forbids Playwright's eval."""
    page.wait_for_selector(".worklist-lines:not(:has([role=row] ~ [role=row]))")
    assert page.locator(LINE).count() == 1


def names(page: Any) -> list[str]:
    found: list[str] = page.locator(f"{LINE} .worklist-name").all_inner_texts()
    return found


def test_what_a_reader_should_see_first_stands_first(
    worklist: Any, check_accessible: Callable[..., None]
) -> None:
    assert names(worklist)[:3] == ["Wang, XiaoDong", "Roe, Richard", "Doe, Jane"]
    first = worklist.locator(LINE).first.inner_text()
    assert "Pneumonia 100.0 %" in first
    assert "1.00 × 1" in first
    refused = worklist.locator(LINE, has_text="Roe").inner_text()
    assert "No bundle takes" in refused
    assert "Nothing found" in worklist.locator(LINE, has_text="Doe").inner_text()
    detail = worklist.locator(".worklist-detail").inner_text()
    assert re.search(r"Urgency 3\d\.\d\d = 30 \(A reader should look\) \+", detail)
    check_accessible(worklist)


def test_keys_alone_lead_into_a_study_and_back(
    worklist: Any, studies: dict[str, int]
) -> None:
    worklist.keyboard.press("Home")
    worklist.keyboard.press("j")
    assert "Roe" in worklist.locator(SELECTED).inner_text()
    worklist.keyboard.press("k")
    worklist.keyboard.press("Enter")
    worklist.wait_for_url(f"**/studies/{studies['found']}")
    assert worklist.title() == "Study – medlens"
    worklist.go_back()
    worklist.wait_for_selector(SELECTED)
    assert "Wang" in worklist.locator(SELECTED).inner_text()
    assert worklist.evaluate("document.activeElement.tagName") == "H1"


def test_filters_stand_in_the_address_and_outlive_reload_and_back(
    worklist: Any,
) -> None:
    worklist.keyboard.press("5")  # refused
    worklist.wait_for_url("**/?state=refused")
    wait_for_one(worklist)
    assert names(worklist) == ["Roe, Richard"]
    worklist.reload()
    worklist.wait_for_selector(LINE)
    assert names(worklist) == ["Roe, Richard"]
    chip = worklist.get_by_role("button", name=re.compile("^Refused"))
    assert chip.get_attribute("aria-pressed") == "true"
    worklist.keyboard.press("0")
    worklist.wait_for_url(re.compile(r"/$"))
    worklist.go_back()
    worklist.wait_for_url("**/?state=refused")


def test_a_list_is_narrowed_to_what_models_advise(worklist: Any) -> None:
    worklist.keyboard.press("l")
    worklist.wait_for_url("**/?advice=refer")
    wait_for_one(worklist)
    assert names(worklist) == ["Wang, XiaoDong"]
    look = worklist.get_by_role("button", name=re.compile("^Look"))
    assert look.get_attribute("aria-pressed") == "true"
    choice = worklist.locator(".worklist-advice select")
    assert choice.input_value() == "refer"
    choice.select_option("nothing_found")
    worklist.wait_for_url("**/?advice=nothing_found")
    worklist.wait_for_selector(f"{LINE}:has-text('Doe')")
    wait_for_one(worklist)
    assert look.get_attribute("aria-pressed") == "false"


def test_a_line_says_on_which_day_and_when(worklist: Any) -> None:
    line = worklist.locator(LINE, has_text="Wang").inner_text()
    assert "2 Mar 2026 09:30" in line


def test_the_next_study_is_the_next_of_the_list_that_one_came_from(
    worklist: Any, studies: dict[str, int]
) -> None:
    """By urgency the one without findings is last; by date the refused one is."""
    query = "?order=newest&state=answered&state=refused"
    worklist.goto(f"/{query}")
    worklist.wait_for_selector(f"{LINE} >> nth=2")
    in_order = [
        int(each.get_attribute("id").rsplit("-", 1)[1])
        for each in worklist.locator(LINE).all()
    ]
    assert sorted(in_order) == sorted(studies.values())
    worklist.keyboard.press("Home")
    worklist.keyboard.press("Enter")
    for study in in_order:
        worklist.wait_for_url(f"**/studies/{study}{query}")
        worklist.get_by_role("button", name="Next study").click()
    # After the last one the list begins again, and says so.
    worklist.wait_for_url(f"**/studies/{in_order[0]}{query}")
    worklist.wait_for_selector("text=the list begins again")
    worklist.get_by_role("button", name="Next study").click()
    worklist.wait_for_url(f"**/studies/{in_order[1]}{query}")
    worklist.reload()
    worklist.get_by_role("link", name="Back to the worklist").click()
    worklist.wait_for_url(f"**/{query}")
    worklist.wait_for_selector(f"#worklist-line-{in_order[1]}[aria-selected=true]")


def test_a_study_without_a_list_is_followed_by_the_most_urgent_order(
    worklist: Any, studies: dict[str, int]
) -> None:
    worklist.goto(f"/studies/{studies['found']}")
    worklist.get_by_role("button", name="Next study").click()
    worklist.wait_for_url(f"**/studies/{studies['refused']}")


def test_search_finds_by_name_and_says_where_nothing_is(worklist: Any) -> None:
    worklist.keyboard.press("/")
    worklist.keyboard.type("wang")
    worklist.wait_for_url("**/?text=wang")
    wait_for_one(worklist)
    worklist.fill("input[type=search]", "nobody at all")
    worklist.wait_for_selector("text=No study matches these filters")
    worklist.locator(".empty button").click()
    worklist.wait_for_selector(f"{LINE} >> nth=2")
    assert worklist.input_value("input[type=search]") == ""


def test_a_new_study_comes_in_by_itself_and_moves_nothing(
    worklist: Any, service: Running
) -> None:
    """It is urgent, and so comes in above: the line that is read stays where it was."""
    send(service.url, [chest(200 + n, PatientName=f"Fill^{n}") for n in range(30)])
    worklist.locator(LINE, has_text="Fill").first.wait_for()
    worklist.reload()
    worklist.wait_for_selector(LINE)
    scroll = worklist.locator(".worklist-scroll")
    scroll.hover()
    worklist.mouse.wheel(0, 500)
    worklist.wait_for_timeout(300)
    before = worklist.locator(LINE).nth(12)
    key = before.get_attribute("id")
    where = before.bounding_box()
    send(service.url, [chest(299, PatientName="Late^Comer")])
    worklist.wait_for_selector(".worklist-above")
    after = worklist.locator(f"#{key}").bounding_box()
    assert abs(after["y"] - where["y"]) <= 1
    worklist.locator(".worklist-above").click()
    worklist.locator(LINE, has_text="Late").first.wait_for()


def test_only_lines_on_the_screen_are_drawn(visit: Callable[..., Any]) -> None:
    """Ten thousand lines from a service that is made up: the page stays small."""
    page = visit()
    study = {
        "study_uid": "1.2.3",
        "accession_number": "",
        "study_date": "2026-01-02",
        "study_time": None,
        "began_at": "2026-01-02T00:00:00Z",
        "description": "Chest",
        "modalities": ["DX"],
        "series_count": 1,
        "instance_count": 1,
        "bytes": 1,
        "received_at": "2026-01-02T00:00:00Z",
        "last_at": "2026-01-02T00:00:00Z",
        "state": "answered",
        "reason": "",
        "urgency": 0,
        "headline": {"advice": "nothing_found", "why": [], "assessments": 1},
        "reading": "unread",
        "read_at": None,
        "changed_at": "2026-01-02T00:00:00Z",
        "site": "",
        "result_id": 1,
    }

    def answer(route: Any) -> None:
        query = re.search(r"cursor=(\d+)", route.request.url)
        start = int(query[1]) if query else 0
        items = [
            study
            | {
                "id": 10_000 - start - n,
                "patient": {
                    "id": f"P{start + n}",
                    "name": "Doe^Jane",
                    "birth_date": None,
                    "sex": "",
                },
            }
            for n in range(500)
        ]
        end = start + 500
        route.fulfill(json={"items": items, "next": str(end) if end < 10_000 else None})

    page.route("**/api/v1/studies?*", answer)
    # Studies of the tests before are told of on the line; they are not in this list.
    silence = {"content_type": "text/event-stream", "body": "retry: 600000\n\n"}
    page.route("**/api/v1/events", lambda route: route.fulfill(**silence))
    page.goto("/")
    page.wait_for_selector(LINE)
    for _ in range(600):  # twenty pages, each asked for where the end comes near
        page.keyboard.press("End")
        if page.locator(f"{LINE}:has-text('P9999')").count():
            break
        page.wait_for_timeout(100)
    page.wait_for_selector(f"{LINE}:has-text('P9999')")
    assert page.locator(LINE).count() < 60
    took = page.evaluate(
        """async () => {
          const scroll = document.querySelector(".worklist-scroll");
          const start = performance.now();
          for (let at = 0; at < 20; at += 1) {
            scroll.scrollTop = at * 20000;
            await new Promise(requestAnimationFrame);
          }
          return (performance.now() - start) / 20;
        }"""
    )
    # Milliseconds for a jump to lines that were not drawn, on a busy machine.
    assert took < 250


def test_nothing_is_cut_on_a_tablet(
    tablet: Any, studies: dict[str, int], check_accessible: Callable[..., None]
) -> None:
    assert studies
    tablet.goto("/")
    tablet.wait_for_selector(LINE)
    assert tablet.evaluate("document.documentElement.scrollWidth") <= 768
    tablet.get_by_role("button", name="Filters").tap()
    tablet.get_by_role("button", name=re.compile("^Refused")).tap()
    tablet.wait_for_url("**/?state=refused")
    check_accessible(tablet)


def test_chinese_and_dark(
    visit: Callable[..., Any],
    studies: dict[str, int],
    check_accessible: Callable[..., None],
) -> None:
    assert studies
    page = visit(locale="zh-CN", color_scheme="dark")
    page.goto("/?advice=refer&text=Wang")
    page.wait_for_selector(LINE)
    assert "王小东" in names(page)
    assert "肺炎 100.0 %" in page.locator(LINE, has_text="王小东").inner_text()
    page.keyboard.press("h")
    page.wait_for_selector("dialog h2:has-text('排序如何计算')")
    page.keyboard.press("5")  # below a dialog nothing changes unseen
    assert "state=" not in page.url
    check_accessible(page)


def test_a_line_that_was_signed_elsewhere_leaves_the_unread_ones(
    worklist: Any, service: Running
) -> None:
    """It stays while it is read and says so; sorted again it goes, the next follows."""
    study = send(service.url, [chest(120, PatientName="Soon^Signed")])[0]
    assert wait_for_end(service.url, study) == "answered"
    worklist.goto("/?reading=unread&text=o")
    mine = worklist.locator(f"#worklist-line-{study}")
    mine.click()
    worklist.wait_for_selector(f"#worklist-line-{study}[aria-selected=true]")
    with Client(service.url) as client:
        client.sign(study, client.suggestion(study))
    worklist.wait_for_selector(f"#worklist-line-{study}.worklist-left")
    assert "filtered out" in mine.inner_text()
    worklist.keyboard.press("r")
    mine.wait_for(state="detached")
    assert worklist.locator(SELECTED).count() == 1


def test_names_of_any_direction_stay_in_their_place(
    visit: Callable[..., Any], service: Running, check_accessible: Callable[..., None]
) -> None:
    long = "כהן^" + " ".join(["אברהם"] * 10)
    for number, name in ((131, long), (132, "Evil\u202e^gnp.exe"), (133, "W" * 60)):
        made = chest(number, PatientName=name, StudyDate="", StudyTime="")
        made.SpecificCharacterSet = "ISO_IR 192"
        send(service.url, [made])
    page = visit()
    page.goto("/?text=P-13&order=newest")
    page.wait_for_selector(f"{LINE} >> nth=2")
    cells = page.locator(f"{LINE} .worklist-patient")
    edges = {round(cell.bounding_box()["x"]) for cell in cells.all()}
    assert len(edges) == 1
    hebrew = page.locator(".worklist-name bdi", has_text="כהן")
    style = hebrew.evaluate(
        "e => [getComputedStyle(e).direction, getComputedStyle(e).textAlign]"
    )
    assert style == ["rtl", "left"]
    assert hebrew.evaluate("e => e.scrollWidth > e.clientWidth")  # cut, in its cell
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.locator(LINE, has_text="no date").count() == 3
    check_accessible(page)


def test_a_reader_may_not_remove_a_study(worklist: Any) -> None:
    """The guest of a demo does not administer: no button, no key."""
    assert worklist.locator("text=Remove…").count() == 0
    worklist.keyboard.press("Delete")
    assert worklist.locator("dialog").count() == 0
