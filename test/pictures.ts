const { PICTURES = '', UPDATE_SCREENSHOTS = '' } = process.env;

/** Whether tests save pictures for people to look at: what they check does not need them, and drawing them takes time. */
export const takesPictures = PICTURES !== '' || UPDATE_SCREENSHOTS !== '';
