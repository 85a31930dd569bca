// Starts Swagger UI with one page for all APIs, and a chooser for each.
window.addEventListener("load", () => {
  SwaggerUIBundle({
    dom_id: "#swagger-ui",
    urls: [
      { name: "All APIs", url: "/api-docs/openapi.json" },
      { name: "CloudKeep", url: "/api-docs/cloudkeep.json" },
      { name: "Crate", url: "/api-docs/crate.json" },
      { name: "CredVault", url: "/api-docs/credvault.json" },
      { name: "Inkbox", url: "/api-docs/inkbox.json" },
      { name: "1claw", url: "/api-docs/oneclaw.json" },
      { name: "Operations", url: "/api-docs/server.json" },
    ],
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    layout: "StandaloneLayout",
    deepLinking: true,
    requestSnippetsEnabled: true,
    // Nothing is asked of other servers, not even whether the document is valid.
    validatorUrl: null,
  });
});
