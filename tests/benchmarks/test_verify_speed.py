"""The whole verification of the real data sets: every image and mask decoded, on every core.

make benchmark
"""

import pytest

from skinmodel.data.verify.run import verify


@pytest.mark.benchmark
@pytest.mark.data
def test_every_real_image_and_mask_decodes(ham10000_dir):
    for dataset, lost in (("ham10000", 0), ("isic2019", 32)):
        report = verify(ham10000_dir, dataset, progress=False)
        rate = report.files / report.seconds
        print(f"{report.title}: {report.files:,} files in {report.seconds:.0f} s, {rate:.0f} a s")
        assert sum(len(check.ids) for check in report.defects) == lost
        assert {check.name: len(check.ids) for check in report.remarks}["known twins"] > 0
