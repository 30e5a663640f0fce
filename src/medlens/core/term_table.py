"""The words that `terms` knows: spellings, code, English and Chinese name.

Codes are SNOMED CT ("SCT"), or of DICOM ("DCM") where PS3.16 prefers its own. Those of
PS3.16's context groups (CID 6102, 7151, 12249, …) agree with the copy in pydicom, which
a test holds; the others were compared with published vocabularies (OHDSI, guides of
FHIR), and their check digits are tested. A word without a code is one whose concept
could not be confirmed: it has names, and is free text to a writer. British and
American spellings are one: `terms` folds them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Sort = Literal["finding", "structure", "normal"]


class Row(NamedTuple):
    """One concept.

    Attributes:
        sort: an abnormality, a structure of normal anatomy, or "nothing is wrong".
        spellings: folded (see `terms.fold`), without a side, separated by " | ".
        code: value and scheme as "SCT:50960005", or "".
        meaning: of the code, as its scheme spells it; "" where there is none.
        english: name in a sentence.
        chinese: the same.
    """

    sort: Sort
    spellings: str
    code: str
    meaning: str
    english: str
    chinese: str


_F: Sort = "finding"
_S: Sort = "structure"

# fmt: off
# ruff: noqa: E501
FINDINGS = (
    # chest
    Row(_F, "pneumonia", "SCT:233604007", "Pneumonia", "pneumonia", "肺炎"),
    Row(_F, "covid 19 | covid19 | covid", "SCT:840539006", "COVID-19", "COVID-19", "新型冠状病毒感染"),
    Row(_F, "tuberculosis | tb | pulmonary tuberculosis", "SCT:154283005", "Pulmonary tuberculosis", "pulmonary tuberculosis", "肺结核"),
    Row(_F, "lung opacity | pulmonary opacity | airspace opacity", "DCM:112001", "Opacity", "lung opacity", "肺部阴影"),
    Row(_F, "opacity", "DCM:112001", "Opacity", "opacity", "阴影"),
    Row(_F, "ground glass opacity | ggo | ground glass", "DCM:112120", "Ground glass opacity", "ground-glass opacity", "磨玻璃影"),
    Row(_F, "infiltrate | infiltration | lung infiltrate", "DCM:112121", "Infiltrate", "infiltrate", "浸润影"),
    Row(_F, "consolidation | lung consolidation", "SCT:95436008", "Consolidation", "consolidation", "肺实变"),
    Row(_F, "atelectasis", "SCT:46621007", "Atelectasis", "atelectasis", "肺不张"),
    Row(_F, "pleural effusion", "SCT:60046008", "Pleural effusion", "pleural effusion", "胸腔积液"),
    Row(_F, "pneumothorax", "SCT:36118008", "Pneumothorax", "pneumothorax", "气胸"),
    Row(_F, "cardiomegaly | enlarged heart", "SCT:8186001", "Cardiomegaly", "cardiomegaly", "心影增大"),
    Row(_F, "pulmonary edema | lung edema", "SCT:19242006", "Pulmonary edema", "pulmonary oedema", "肺水肿"),
    Row(_F, "emphysema | pulmonary emphysema", "SCT:87433001", "Pulmonary emphysema", "emphysema", "肺气肿"),
    Row(_F, "pulmonary fibrosis | lung fibrosis", "SCT:51615001", "Fibrosis of lung", "pulmonary fibrosis", "肺纤维化"),
    Row(_F, "pleural thickening", "", "", "pleural thickening", "胸膜增厚"),
    Row(_F, "pulmonary embolism | pulmonary embolus | lung embolism", "SCT:59282003", "Pulmonary embolism", "pulmonary embolism", "肺栓塞"),
    Row(_F, "pericardial effusion", "SCT:373945007", "Pericardial effusion", "pericardial effusion", "心包积液"),
    Row(_F, "lung nodule | pulmonary nodule | nodule of lung", "SCT:786838002", "Nodule of lung", "lung nodule", "肺结节"),
    Row(_F, "lung tumor | lung neoplasm", "", "", "lung tumour", "肺肿瘤"),
    Row(_F, "lung cancer", "", "", "lung cancer", "肺癌"),
    Row(_F, "lung lesion", "", "", "lung lesion", "肺部病灶"),
    Row(_F, "hiatal hernia | hiatus hernia", "SCT:84089009", "Hiatal hernia", "hiatal hernia", "食管裂孔疝"),
    # head
    Row(_F, "intracranial hemorrhage | ich | intracranial bleed | intracranial bleeding | brain hemorrhage | any hemorrhage", "SCT:1386000", "Intracranial hemorrhage", "intracranial haemorrhage", "颅内出血"),
    Row(_F, "cerebral hemorrhage | intraparenchymal hemorrhage | intracerebral hemorrhage", "SCT:274100004", "Cerebral hemorrhage", "intracerebral haemorrhage", "脑实质出血"),
    Row(_F, "subarachnoid hemorrhage | sah", "SCT:21454007", "Subarachnoid hemorrhage", "subarachnoid haemorrhage", "蛛网膜下腔出血"),
    Row(_F, "subdural hemorrhage | subdural hematoma | sdh", "SCT:35486000", "Subdural intracranial hemorrhage", "subdural haemorrhage", "硬膜下出血"),
    Row(_F, "epidural hemorrhage | epidural hematoma | edh | extradural hemorrhage", "", "", "epidural haemorrhage", "硬膜外出血"),
    Row(_F, "intraventricular hemorrhage | ivh", "", "", "intraventricular haemorrhage", "脑室内出血"),
    Row(_F, "hemorrhage | bleeding | bleed", "SCT:50960005", "Hemorrhage", "haemorrhage", "出血"),
    Row(_F, "stroke | cerebrovascular accident", "SCT:230690007", "Cerebrovascular accident", "stroke", "脑卒中"),
    Row(_F, "cerebral infarction | brain infarct | cerebral infarct", "SCT:432504007", "Cerebral infarction", "cerebral infarction", "脑梗死"),
    Row(_F, "brain tumor | brain neoplasm | neoplasm of brain | tumor of brain", "SCT:126952004", "Neoplasm of brain", "brain tumour", "脑肿瘤"),
    Row(_F, "glioma | brain glioma", "SCT:393564001", "Glioma", "glioma", "胶质瘤"),
    Row(_F, "glioblastoma | gbm", "SCT:1163375002", "Glioblastoma", "glioblastoma", "胶质母细胞瘤"),
    Row(_F, "astrocytoma", "SCT:38713004", "Astrocytoma", "astrocytoma", "星形细胞瘤"),
    Row(_F, "meningioma", "SCT:393566004", "Meningioma", "meningioma", "脑膜瘤"),
    Row(_F, "intracranial meningioma", "SCT:302820008", "Intracranial meningioma", "intracranial meningioma", "颅内脑膜瘤"),
    Row(_F, "pituitary adenoma", "SCT:254956000", "Pituitary adenoma", "pituitary adenoma", "垂体腺瘤"),
    Row(_F, "pituitary tumor", "", "", "pituitary tumour", "垂体肿瘤"),
    Row(_F, "enhancing tumor", "", "", "enhancing tumour", "强化肿瘤"),
    Row(_F, "non enhancing tumor | nonenhancing tumor | non enhancing tumor core", "", "", "non-enhancing tumour", "非强化肿瘤"),
    Row(_F, "tumor core", "", "", "tumour core", "肿瘤核心"),
    Row(_F, "whole tumor", "", "", "whole tumour", "全肿瘤"),
    Row(_F, "peritumoral edema | edema around tumor", "", "", "peritumoral oedema", "瘤周水肿"),
    Row(_F, "hydrocephalus", "SCT:230745008", "Hydrocephalus", "hydrocephalus", "脑积水"),
    # elsewhere
    Row(_F, "fracture | bone fracture | fracture of bone", "SCT:125605004", "Fracture of bone", "fracture", "骨折"),
    Row(_F, "rib fracture", "SCT:33737001", "Fracture of rib", "rib fracture", "肋骨骨折"),
    Row(_F, "breast cancer | malignant neoplasm of breast", "SCT:254837009", "Malignant neoplasm of breast", "breast cancer", "乳腺癌"),
    Row(_F, "liver tumor | hepatic tumor", "", "", "liver tumour", "肝肿瘤"),
    Row(_F, "liver lesion | hepatic lesion", "", "", "liver lesion", "肝脏病灶"),
    Row(_F, "liver cirrhosis | cirrhosis | cirrhosis of liver", "SCT:19943007", "Cirrhosis of liver", "liver cirrhosis", "肝硬化"),
    Row(_F, "kidney tumor | renal tumor", "", "", "kidney tumour", "肾肿瘤"),
    Row(_F, "kidney cyst | renal cyst", "", "", "kidney cyst", "肾囊肿"),
    Row(_F, "kidney stone | renal calculus | kidney stones", "SCT:95570007", "Kidney stone", "kidney stone", "肾结石"),
    Row(_F, "pancreatic tumor | pancreas tumor", "", "", "pancreatic tumour", "胰腺肿瘤"),
    Row(_F, "colon tumor | colon cancer", "", "", "colon tumour", "结肠肿瘤"),
    Row(_F, "thyroid nodule", "SCT:237495005", "Thyroid nodule", "thyroid nodule", "甲状腺结节"),
    Row(_F, "lymphadenopathy | enlarged lymph node", "SCT:30746006", "Lymphadenopathy", "lymphadenopathy", "淋巴结肿大"),
    Row(_F, "diabetic retinopathy", "SCT:4855003", "Diabetic retinopathy", "diabetic retinopathy", "糖尿病视网膜病变"),
    Row(_F, "glaucoma", "SCT:23986001", "Glaucoma", "glaucoma", "青光眼"),
    Row(_F, "cataract", "SCT:193570009", "Cataract", "cataract", "白内障"),
    Row(_F, "aneurysm", "SCT:85659009", "Aneurysm", "aneurysm", "动脉瘤"),
    Row(_F, "aortic aneurysm", "SCT:67362008", "Aortic aneurysm", "aortic aneurysm", "主动脉瘤"),
    # general
    Row(_F, "tumor | neoplasm", "SCT:108369006", "Tumor", "tumour", "肿瘤"),
    Row(_F, "effusion", "SCT:41699000", "Effusion", "effusion", "积液"),
    Row(_F, "mass", "SCT:4147007", "Mass", "mass", "肿块"),
    Row(_F, "lesion", "SCT:52988006", "Lesion", "lesion", "病灶"),
    Row(_F, "nodule", "SCT:27925004", "Nodule", "nodule", "结节"),
    Row(_F, "cyst", "SCT:367643001", "Cyst", "cyst", "囊肿"),
    Row(_F, "edema", "SCT:79654002", "Edema", "oedema", "水肿"),
    Row(_F, "necrosis", "SCT:6574001", "Necrosis", "necrosis", "坏死"),
    Row(_F, "fibrosis", "SCT:112674009", "Fibrosis", "fibrosis", "纤维化"),
    Row(_F, "calcification", "SCT:18115005", "Pathologic calcification", "calcification", "钙化"),
    Row(_F, "hernia", "", "", "hernia", "疝"),
    Row(_F, "cancer | malignant | malignancy | carcinoma", "", "", "malignant lesion", "恶性病变"),
    Row(_F, "benign | benign lesion", "", "", "benign lesion", "良性病变"),
    Row(_F, "abnormal | abnormality | abnormal finding | ill | disease | diseased | sick | pathology | pathologic", "", "", "abnormality", "异常"),
)

STRUCTURES = (
    Row(_S, "head", "SCT:69536005", "Head", "head", "头部"),
    Row(_S, "brain", "SCT:12738006", "Brain", "brain", "脑"),
    Row(_S, "skull", "SCT:89546000", "Skull", "skull", "颅骨"),
    Row(_S, "white matter", "SCT:68523003", "Cerebral White Matter", "cerebral white matter", "脑白质"),
    Row(_S, "hippocampus", "SCT:5366008", "Hippocampus", "hippocampus", "海马"),
    Row(_S, "anterior hippocampus | hippocampus anterior", "", "", "anterior hippocampus", "海马前部"),
    Row(_S, "posterior hippocampus | hippocampus posterior", "", "", "posterior hippocampus", "海马后部"),
    Row(_S, "eye", "SCT:81745001", "Eye", "eye", "眼"),
    Row(_S, "neck", "SCT:45048000", "Neck", "neck", "颈部"),
    Row(_S, "spine", "SCT:421060004", "Spine", "spine", "脊柱"),
    Row(_S, "vertebra", "SCT:51282000", "Vertebra", "vertebra", "椎骨"),
    Row(_S, "cervical spine | cspine | c spine", "SCT:122494005", "Cervical spine", "cervical spine", "颈椎"),
    Row(_S, "thoracic spine | tspine | t spine", "SCT:122495006", "Thoracic spine", "thoracic spine", "胸椎"),
    Row(_S, "lumbar spine | lspine | l spine", "SCT:122496007", "Lumbar spine", "lumbar spine", "腰椎"),
    Row(_S, "spinal cord", "SCT:2748008", "Spinal cord", "spinal cord", "脊髓"),
    Row(_S, "sacrum", "SCT:54735007", "Sacrum", "sacrum", "骶骨"),
    Row(_S, "chest | thorax", "SCT:51185008", "Chest", "chest", "胸部"),
    Row(_S, "lung | lungs", "SCT:39607008", "Lung", "lung", "肺"),
    Row(_S, "heart", "SCT:80891009", "Heart", "heart", "心脏"),
    Row(_S, "aorta", "SCT:15825003", "Aorta", "aorta", "主动脉"),
    Row(_S, "esophagus", "SCT:32849002", "Esophagus", "oesophagus", "食管"),
    Row(_S, "breast", "SCT:76752008", "Breast", "breast", "乳腺"),
    Row(_S, "rib | ribs", "SCT:113197003", "Rib", "rib", "肋骨"),
    Row(_S, "clavicle", "SCT:51299004", "Clavicle", "clavicle", "锁骨"),
    Row(_S, "abdomen", "SCT:818981001", "Abdomen", "abdomen", "腹部"),
    Row(_S, "liver", "SCT:10200004", "Liver", "liver", "肝脏"),
    Row(_S, "spleen", "SCT:78961009", "Spleen", "spleen", "脾脏"),
    Row(_S, "kidney | kidneys", "SCT:64033007", "Kidney", "kidney", "肾"),
    Row(_S, "pancreas", "SCT:15776009", "Pancreas", "pancreas", "胰腺"),
    Row(_S, "gallbladder | gall bladder", "SCT:28231008", "Gallbladder", "gallbladder", "胆囊"),
    Row(_S, "stomach", "SCT:69695003", "Stomach", "stomach", "胃"),
    Row(_S, "colon", "SCT:71854001", "Colon", "colon", "结肠"),
    Row(_S, "rectum", "SCT:34402009", "Rectum", "rectum", "直肠"),
    Row(_S, "bladder | urinary bladder", "SCT:89837001", "Bladder", "urinary bladder", "膀胱"),
    Row(_S, "prostate", "SCT:41216001", "Prostate", "prostate", "前列腺"),
    Row(_S, "uterus", "SCT:35039007", "Uterus", "uterus", "子宫"),
    Row(_S, "ovary", "SCT:15497006", "Ovary", "ovary", "卵巢"),
    Row(_S, "pelvis", "SCT:12921003", "Pelvis", "pelvis", "骨盆"),
    Row(_S, "lymph node", "SCT:59441001", "Lymph node", "lymph node", "淋巴结"),
    Row(_S, "shoulder", "SCT:16982005", "Shoulder", "shoulder", "肩"),
    Row(_S, "arm | upper limb", "SCT:53120007", "Upper limb", "arm", "上肢"),
    Row(_S, "elbow", "SCT:16953009", "Elbow joint", "elbow", "肘"),
    Row(_S, "forearm", "SCT:14975008", "Forearm", "forearm", "前臂"),
    Row(_S, "wrist", "SCT:8205005", "Wrist", "wrist", "腕"),
    Row(_S, "hand", "SCT:85562004", "Hand", "hand", "手"),
    Row(_S, "humerus", "SCT:85050009", "Humerus", "humerus", "肱骨"),
    Row(_S, "hip", "SCT:29836001", "Hip", "hip", "髋"),
    Row(_S, "femur", "SCT:71341001", "Femur", "femur", "股骨"),
    Row(_S, "thigh", "SCT:68367000", "Thigh", "thigh", "大腿"),
    Row(_S, "knee", "SCT:72696002", "Knee", "knee", "膝"),
    Row(_S, "leg | lower leg", "SCT:30021000", "Lower leg", "lower leg", "小腿"),
    Row(_S, "lower limb", "SCT:61685007", "Lower limb", "lower limb", "下肢"),
    Row(_S, "ankle | ankle joint", "SCT:70258002", "Ankle joint", "ankle", "踝"),
    Row(_S, "foot", "SCT:56459004", "Foot", "foot", "足"),
)

NORMAL = (
    Row(
        "normal",
        "normal | no finding | no findings | healthy | negative | control | none | no | background"
        " | unremarkable | absent | notumor | nofinding | nodisease | no abnormality",
        "SCT:17621005", "Normal", "no abnormality", "未见异常",
    ),
)
# fmt: on

ROWS = (*FINDINGS, *STRUCTURES, *NORMAL)

MODALITIES: dict[str, tuple[str, str]] = {
    "CT": ("CT", "CT"),
    "MR": ("MRI", "磁共振成像"),
    "DX": ("digital radiograph", "数字X线摄影"),
    "CR": ("computed radiograph", "计算机X线摄影"),
    "MG": ("mammogram", "乳腺X线摄影"),
    "US": ("ultrasound", "超声"),
    "XA": ("angiogram", "血管造影"),
    "RF": ("fluoroscopy", "X线透视"),
    "NM": ("nuclear medicine", "核医学"),
    "PT": ("PET", "正电子发射断层成像"),
    "OP": ("fundus photograph", "眼底照相"),
    "OPT": ("optical coherence tomography", "光学相干断层成像"),
    "SM": ("slide microscopy", "病理切片显微成像"),
    "ES": ("endoscopy", "内镜"),
    "XC": ("photograph", "外部照相"),
    "OT": ("other image", "其他图像"),
    "SC": ("secondary capture", "二次采集图像"),
}
"""DICOM Modality (PS3.3 C.7.3.1.1.1) → English and Chinese name."""

# fmt: off
OTHER_MODALITIES = frozenset((
    "AR", "BI", "BMD", "CFM", "DG", "DMS", "DR", "ECG", "EEG", "EPS", "GM", "IO", "IVOCT",
    "IVUS", "KER", "LEN", "LS", "OAM", "OCT", "OPM", "OPTBSV", "OPTENF", "OPV", "OSS",
    "POS", "PR", "PX", "REG", "RG", "RTDOSE", "RTIMAGE", "RTPLAN", "RTSTRUCT", "SEG",
    "SR", "SRF", "STAIN", "TG", "VF",
))
"""Further defined terms of Modality, which have no name here."""
BODY_PARTS = frozenset((
    "ABDOMEN", "ABDOMENPELVIS", "ANKLE", "ARM", "BLADDER", "BRAIN", "BREAST", "CALCANEUS",
    "CAROTID", "CHEST", "CHESTABDOMEN", "CHESTABDPELVIS", "CLAVICLE", "COCCYX", "COLON",
    "CSPINE", "EAR", "ELBOW", "EXTREMITY", "EYE", "FEMUR", "FINGER", "FOOT", "FOREARM",
    "HAND", "HEAD", "HEADNECK", "HEART", "HIP", "HUMERUS", "JAW", "KIDNEY", "KNEE", "LEG",
    "LIVER", "LSPINE", "LUNG", "MANDIBLE", "MAXILLA", "NECK", "NOSE", "ORBIT", "PANCREAS",
    "PATELLA", "PELVIS", "PROSTATE", "RIB", "SCAPULA", "SHOULDER", "SINUS", "SKULL",
    "SPINE", "SPLEEN", "STERNUM", "THIGH", "THORAX", "THUMB", "TIBIA", "TOE", "TSPINE",
    "UTERUS", "WHOLEBODY", "WRIST",
))
# fmt: on
"""Defined terms of Body Part Examined (PS3.16 Annex L) that are met most."""

# fmt: off
BODY_PART_NAMES: dict[str, tuple[str, str]] = {
    "ABDOMENPELVIS": ("abdomen and pelvis", "腹部和盆腔"),
    "CALCANEUS": ("calcaneus", "跟骨"),
    "CAROTID": ("carotid artery", "颈动脉"),
    "CHESTABDOMEN": ("chest and abdomen", "胸部和腹部"),
    "CHESTABDPELVIS": ("chest, abdomen and pelvis", "胸部、腹部和盆腔"),
    "COCCYX": ("coccyx", "尾骨"),
    "CSPINE": ("cervical spine", "颈椎"),
    "EAR": ("ear", "耳"),
    "EXTREMITY": ("extremity", "四肢"),
    "FINGER": ("finger", "手指"),
    "HEADNECK": ("head and neck", "头颈部"),
    "JAW": ("jaw", "颌部"),
    "LSPINE": ("lumbar spine", "腰椎"),
    "MANDIBLE": ("mandible", "下颌骨"),
    "MAXILLA": ("maxilla", "上颌骨"),
    "NOSE": ("nose", "鼻"),
    "ORBIT": ("orbit", "眼眶"),
    "PATELLA": ("patella", "髌骨"),
    "SCAPULA": ("scapula", "肩胛骨"),
    "SINUS": ("paranasal sinuses", "鼻窦"),
    "STERNUM": ("sternum", "胸骨"),
    "THUMB": ("thumb", "拇指"),
    "TIBIA": ("tibia", "胫骨"),
    "TOE": ("toe", "足趾"),
    "TSPINE": ("thoracic spine", "胸椎"),
    "WHOLEBODY": ("whole body", "全身"),
}
# fmt: on
"""Body parts whose name is not their term's, or that are no term above."""
