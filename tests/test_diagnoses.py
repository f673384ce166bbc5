import pytest

from skinmodel.diagnoses import CODES, DIAGNOSES, Malignancy, class_index, get_diagnosis
from skinmodel.errors import SkinModelError, UnknownNameError


def test_the_class_order_is_the_reports():
    assert CODES == ("nv", "mel", "bkl", "bcc", "akiec", "vasc", "df")


@pytest.mark.parametrize("position", range(7))
def test_code_index_and_diagnosis_agree(position):
    code = CODES[position]
    assert class_index(code) == position
    assert get_diagnosis(code) is DIAGNOSES[position]
    assert get_diagnosis(code).code == code


def test_malignancy_is_that_of_the_clinic():
    by_malignancy = {m: {d.code for d in DIAGNOSES if d.malignancy is m} for m in Malignancy}
    assert by_malignancy == {
        Malignancy.MALIGNANT: {"mel", "bcc"},
        Malignancy.PREMALIGNANT: {"akiec"},
        Malignancy.BENIGN: {"nv", "bkl", "vasc", "df"},
    }


def test_the_columns_are_those_of_the_isic_truth_tables():
    assert {d.isic2018 for d in DIAGNOSES} == {"MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"}
    assert {d.isic2019 for d in DIAGNOSES} == {"MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC"}


@pytest.mark.parametrize("word", ["", "NV", "scc", "nv "])
@pytest.mark.parametrize("look_up", [class_index, get_diagnosis])
def test_another_word_is_refused_and_the_known_ones_are_named(word, look_up):
    with pytest.raises(UnknownNameError) as caught:
        look_up(word)
    assert str(caught.value) == (
        f"There is no diagnosis called '{word}'. Known: akiec, bcc, bkl, df, mel, nv, vasc."
    )
    assert isinstance(caught.value, SkinModelError)
    assert (caught.value.kind, caught.value.name) == ("diagnosis", word)
