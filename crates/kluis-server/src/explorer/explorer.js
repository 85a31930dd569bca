// Starts Swagger UI with one page for all APIs, and a chooser for each.
window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    dom_id: "#swagger-ui",
    urls: [
      { name: "All APIs", url: "/api-docs/openapi.json" },
      { name: "CredVault", url: "/api-docs/credvault.json" },
      { name: "CloudKeep", url: "/api-docs/cloudkeep.json" },
      { name: "Crate", url: "/api-docs/crate.json" },
      { name: "1claw", url: "/api-docs/oneclaw.json" },
      { name: "Inkbox", url: "/api-docs/inkbox.json" },
      { name: "Operations", url: "/api-docs/server.json" },
    ],
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    plugins: [KluisSnippets.plugin],
    layout: "StandaloneLayout",
    deepLinking: true,
    // What groups there are fits on a screen; a search finds one.
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    filter: true,
    displayRequestDuration: true,
    requestSnippetsEnabled: true,
    requestSnippets: KluisSnippets.setting,
    // Nothing is asked of other servers, not even whether the document is valid.
    validatorUrl: null,
  });
});
