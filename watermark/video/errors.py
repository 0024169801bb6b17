"""What can be wrong with a video, and what a person can do about it; the manner is that of `watermark.errors`."""

from watermark.errors import WatermarkError


class VideoUnavailable(WatermarkError):
    """This installation cannot open videos."""

    hint = "Have the operator install telltale[video]."


class UndecodableVideo(WatermarkError):
    """This file is not a video that can be opened."""

    hint = "Send an MP4, MOV, MKV or WebM file. If it plays elsewhere, export it again as MP4 (H.264)."


class UnsupportedVideo(WatermarkError):
    """Videos must be H.264, HEVC, VP8, VP9, AV1, MPEG-4 or ProRes in MP4, MOV, MKV or WebM."""

    hint = "Export the video as MP4 (H.264) or MOV (ProRes)."


class EncryptedVideo(WatermarkError):
    """The video is encrypted (DRM)."""

    hint = "Send the clear file: an encrypted video can be neither marked nor compared."


class TruncatedVideo(WatermarkError):
    """The video ends before it is complete, or is damaged."""

    hint = "The file is damaged or was cut off on its way. Copy or export it again."


class VideoTooLarge(WatermarkError):
    """The video has more pixels per frame than are accepted."""

    hint = "Send a smaller version of the video."


class VideoTooNarrow(WatermarkError):
    """One side of the picture is too long for the other."""

    hint = "Cut or scale the video so that its longer side is at most eight times the shorter."


class VideoTooSmall(WatermarkError):
    """The picture is too small to carry a mark."""

    hint = "Send the video in a larger size, at least 128 pixels on its shorter side."


class VideoTooLong(WatermarkError):
    """The video is longer than is accepted."""

    hint = "Send it in parts."


class TooManyTracks(WatermarkError):
    """The video has more tracks than are accepted."""

    hint = "Export the video with only the sound and subtitles that are needed."


class VideoTooSparse(WatermarkError):
    """Decoding can start at too few places of the video."""

    hint = "Export the video with a key frame every ten seconds or more often."


class VideoTooHeavy(WatermarkError):
    """Copies of the video would take more room than is accepted."""

    hint = "Send a smaller or less noisy version of the video, or have the operator allow more."


class VideoTooShort(WatermarkError):
    """The video shows fewer than two frames."""

    hint = "Send a single frame as a still picture."


class VideoTooSlow(WatermarkError):
    """Decoding takes longer than a video of this length may take."""

    hint = "Export the video as MP4 (H.264) and send it again."


class ChangingFrames(WatermarkError):
    """The size or the pixel format of the picture changes within the video."""

    hint = "Export the video with one frame size throughout."


class TwinsDiffer(WatermarkError):
    """The two variants of a segment came out of the encoder with different decisions."""

    hint = "Prepare the video again; if it happens again, report the file's size, frame rate and format."
