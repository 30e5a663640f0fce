"""Every router of the web side, in the order in which addresses are looked for."""

from __future__ import annotations

from fastapi import APIRouter


def all_routers() -> tuple[APIRouter, ...]:
    """Routers of DICOMweb, the REST API and the pages."""
    from medlens.serve.web import app_pages, health, login, schema
    from medlens.serve.web.api import (
        answers,
        bundles,
        corrections,
        destinations,
        echo,
        evaluations,
        exports,
        feedback,
        intake,
        jobs,
        maps,
        masks,
        measurements,
        monitor,
        openings,
        received,
        removal,
        report_files,
        reports,
        results,
        roles,
        rules,
        status,
        streams,
        studies,
        uploads,
    )
    from medlens.serve.web.dicomweb import router as dicomweb

    return (
        studies.router,
        openings.router,
        removal.router,
        reports.router,
        report_files.router,
        measurements.router,
        answers.router,
        results.router,
        maps.router,
        feedback.router,
        masks.router,
        corrections.router,
        streams.router,
        jobs.router,
        bundles.router,
        evaluations.router,
        roles.router,
        monitor.router,
        exports.router,
        rules.router,
        destinations.router,
        echo.router,
        received.router,
        intake.router,
        status.router,
        schema.router,
        health.router,
        login.router,
        app_pages.router,
        uploads.router,
        dicomweb.router,
    )
