// The tablet's camera: pictures as JPEG, no more than the server wants to see.
"use strict";

const camera = {
  stream: null,
  video: null,
  problem: "", // what people read while there is no picture
  _before: null,
  _sentAt: 0,

  reasons: {
    NotAllowedError: texts.cameraNotAllowed,
    NotFoundError: texts.cameraMissing,
    NotReadableError: texts.cameraBusy,
  },

  async start(video) {
    camera.video = video;
    if (!navigator.mediaDevices?.getUserMedia) {
      camera.problem = texts.cameraNeedsHttps;
      return false;
    }
    try {
      const wished = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" };
      camera.stream = await navigator.mediaDevices.getUserMedia({ video: wished, audio: false });
      video.srcObject = camera.stream;
      await video.play();
    } catch (error) {
      camera.problem = camera.reasons[error.name] || texts.cameraFailed;
      return false;
    }
    for (const track of camera.stream.getTracks()) {
      track.addEventListener("ended", () => {
        camera.stream = null;
        camera.problem = texts.cameraUnplugged;
      });
    }
    camera.problem = "";
    return true;
  },

  // A JPEG, or null if there is nothing new to see: an empty hall is looked at once a second.
  // `eager`: a person is there.
  async picture(eager) {
    const { video } = camera;
    if (!camera.stream || !video.videoWidth) return null;
    const changed = camera._changed(video);
    if (!changed && !eager && performance.now() - camera._sentAt < 1000) return null;
    camera._sentAt = performance.now();
    const scale = Math.min(1, 640 / Math.max(video.videoWidth, video.videoHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
  },

  _changed(video) {
    const small = document.createElement("canvas");
    small.width = 32;
    small.height = 24;
    const context = small.getContext("2d", { willReadFrequently: true });
    context.drawImage(video, 0, 0, 32, 24);
    const { data } = context.getImageData(0, 0, 32, 24);
    const before = camera._before;
    camera._before = data;
    if (!before) return true;
    let most = 0;
    for (let at = 0; at < data.length; at += 4) most = Math.max(most, Math.abs(data[at + 1] - before[at + 1]));
    return most > 12;
  },
};
