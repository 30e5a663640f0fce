/** The DICOM JSON Model (PS3.18 Annex F) as typed values; damaged ones count as absent. */

/** One attribute. */
export interface Element {
  readonly vr: string;
  readonly Value?: readonly unknown[];
  readonly BulkDataURI?: string;
  readonly InlineBinary?: string;
}

/** A data set or an item of a sequence, by tag in eight capital hex figures. */
export type DataSet = Readonly<Record<string, Element | undefined>>;

/** Tags that the viewer reads, by keyword. */
export const TAG = {
  AcquisitionNumber: "00200012",
  AvailableTransferSyntaxUID: "00083002",
  BitsAllocated: "00280100",
  BitsStored: "00280101",
  BluePaletteColorLookupTableData: "00281203",
  BluePaletteColorLookupTableDescriptor: "00281103",
  BurnedInAnnotation: "00280301",
  CineRate: "00180040",
  Columns: "00280011",
  EstimatedRadiographicMagnificationFactor: "00181114",
  DerivationDescription: "00082111",
  FrameContentSequence: "00209111",
  FrameLaterality: "00209072",
  FrameTime: "00181063",
  FrameTimeVector: "00181065",
  FrameVOILUTSequence: "00289132",
  FrameAnatomySequence: "00209071",
  GreenPaletteColorLookupTableData: "00281202",
  GreenPaletteColorLookupTableDescriptor: "00281102",
  HighBit: "00280102",
  ImageLaterality: "00200062",
  ImageOrientationPatient: "00200037",
  ImagePositionPatient: "00200032",
  ImageType: "00080008",
  ImagerPixelSpacing: "00181164",
  InstanceNumber: "00200013",
  Laterality: "00200060",
  LossyImageCompression: "00282110",
  LossyImageCompressionRatio: "00282112",
  LUTData: "00283006",
  LUTDescriptor: "00283002",
  LUTExplanation: "00283003",
  Modality: "00080060",
  ModalityLUTSequence: "00283000",
  ModalityLUTType: "00283004",
  NominalScannedPixelSpacing: "00182010",
  NumberOfFrames: "00280008",
  PatientBirthDate: "00100030",
  PatientAge: "00101010",
  PatientID: "00100020",
  PatientName: "00100010",
  PatientOrientation: "00200020",
  PatientSex: "00100040",
  PerFrameFunctionalGroupsSequence: "52009230",
  PhotometricInterpretation: "00280004",
  PhysicalDeltaX: "0018602C",
  PhysicalDeltaY: "0018602E",
  PhysicalUnitsXDirection: "00186024",
  PhysicalUnitsYDirection: "00186026",
  PixelAspectRatio: "00280034",
  PixelData: "7FE00010",
  PixelMeasuresSequence: "00289110",
  PixelPaddingRangeLimit: "00280121",
  PixelPaddingValue: "00280120",
  PixelRepresentation: "00280103",
  PixelSpacing: "00280030",
  PixelSpacingCalibrationType: "00280A02",
  PixelValueTransformationSequence: "00289145",
  PlanarConfiguration: "00280006",
  PlaneOrientationSequence: "00209116",
  PlanePositionSequence: "00209113",
  RecommendedDisplayFrameRate: "00082144",
  RedPaletteColorLookupTableData: "00281201",
  RedPaletteColorLookupTableDescriptor: "00281101",
  RegionLocationMaxX1: "0018601C",
  RegionLocationMaxY1: "0018601E",
  RegionLocationMinX0: "00186018",
  RegionLocationMinY0: "0018601A",
  RescaleIntercept: "00281052",
  RescaleSlope: "00281053",
  RescaleType: "00281054",
  Rows: "00280010",
  SamplesPerPixel: "00280002",
  SegmentedBluePaletteColorLookupTableData: "00281223",
  SegmentedGreenPaletteColorLookupTableData: "00281222",
  SegmentedRedPaletteColorLookupTableData: "00281221",
  SequenceOfUltrasoundRegions: "00186011",
  SeriesDescription: "0008103E",
  SeriesInstanceUID: "0020000E",
  SeriesNumber: "00200011",
  SharedFunctionalGroupsSequence: "52009229",
  SliceLocation: "00201041",
  SOPClassUID: "00080016",
  SOPInstanceUID: "00080018",
  StudyDate: "00080020",
  StudyTime: "00080030",
  StudyDescription: "00081030",
  StudyInstanceUID: "0020000D",
  Units: "00541001",
  ViewPosition: "00185101",
  VOILUTFunction: "00281056",
  VOILUTSequence: "00283010",
  WindowCenter: "00281050",
  WindowCenterWidthExplanation: "00281055",
  WindowWidth: "00281051",
} as const;

export type Keyword = keyof typeof TAG;

/** The element of a keyword. */
export function element(data: DataSet, keyword: Keyword): Element | undefined {
  return data[TAG[keyword]];
}

/** All values as texts, trimmed; absent ones are "". */
export function texts(data: DataSet, keyword: Keyword): readonly string[] {
  return (element(data, keyword)?.Value ?? []).map((value) =>
    typeof value === "string" || typeof value === "number" ? String(value).trim() : "",
  );
}

/** The first value as text, "" where there is none. */
export function text(data: DataSet, keyword: Keyword): string {
  return texts(data, keyword)[0] ?? "";
}

/** All values that are finite numbers; none where one of them is not. */
export function numbers(data: DataSet, keyword: Keyword): readonly number[] {
  const found = (element(data, keyword)?.Value ?? []).map((value) =>
    typeof value === "number" ? value : Number.parseFloat(String(value)),
  );
  return found.every(Number.isFinite) ? found : [];
}

/** The first value as a number. */
export function number(data: DataSet, keyword: Keyword): number | null {
  return numbers(data, keyword)[0] ?? null;
}

/** The items of a sequence. */
export function items(data: DataSet, keyword: Keyword): readonly DataSet[] {
  const value = element(data, keyword)?.Value ?? [];
  return value.filter((item): item is DataSet => typeof item === "object" && !!item);
}

/** A person name with its groups as in a file: "Wang^XiaoDong=王^小东". */
export function person(data: DataSet, keyword: Keyword): string {
  const value = element(data, keyword)?.Value?.[0];
  if (typeof value !== "object" || value === null) return text(data, keyword);
  const groups = value as Readonly<Record<string, unknown>>;
  return ["Alphabetic", "Ideographic", "Phonetic"]
    .map((name) => String(groups[name] ?? ""))
    .join("=")
    .replace(/=+$/, "");
}

/** "20260312" → "2026-03-12", null where it is no date. */
export function isoDate(data: DataSet, keyword: Keyword): string | null {
  const found = /^(\d{4})\.?(\d{2})\.?(\d{2})/.exec(text(data, keyword));
  return found ? `${found[1]}-${found[2]}-${found[3]}` : null;
}

/** The bytes that stand in the model itself; null where they are elsewhere or damaged. */
export function inlineBytes(found: Element | undefined): Uint8Array<ArrayBuffer> | null {
  if (!found?.InlineBinary) return null;
  try {
    return Uint8Array.from(atob(found.InlineBinary), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}
